import type { Refused } from '../../../schemas/refusal.ts'
import type { ReplayRecord } from '../replay-record.ts'
import { badPriceLine, type OnBadLine } from './bad-line.ts'
import { type Line, LineFile } from './lines.ts'
import { parsePriceLine } from './price-line.ts'
import { LostLedger, type ReplaySource } from './source.ts'

/** The topic of the records of a price file. */
export const PRICE_FILE_TOPIC = 'prices'

/**
 * An NDJSON file of prices (price-line.ts), in the order of its lines. A record's timestamp is its newest event time; a
 * tombstone has that of the line before. A line that cannot be read is counted with its number and left out, unless
 * `onBadLine` throws: the lines before it are handed out first.
 */
export function openPriceFile(path: string, onBadLine?: OnBadLine): ReplaySource {
  const file = new LineFile(path)
  const lost = new LostLedger()
  async function* read(signal: AbortSignal): AsyncGenerator<readonly ReplayRecord[]> {
    lost.clear()
    let timestampMs = 0
    for await (const lines of file.read()) {
      if (signal.aborted) return
      let records: ReplayRecord[] = []
      for (const line of lines) {
        if (line.text.trim() === '') continue
        const record = recordOf(line, timestampMs)
        if ('ok' in record) {
          if (records.length > 0) yield records
          records = []
          lost.add(record.reason, 1, `${path}, line ${line.number}`)
          onBadLine?.(badPriceLine(path, line, record))
          continue
        }
        timestampMs = record.timestampMs
        records.push(record)
      }
      if (records.length > 0) yield records
    }
  }
  return {
    origin: { topics: new Map([[PRICE_FILE_TOPIC, 1]]), clusterId: undefined, stateHash: undefined },
    read,
    fraction: () => file.fraction,
    lost: () => lost.list(),
  }
}

/** The record that a line holds, or why it holds none. */
function recordOf({ text, isUtf8, number }: Line, timeBeforeMs: number): ReplayRecord | Refused {
  const trimmed = text.trim()
  const parsed = parsePriceLine({ text: trimmed, isUtf8 })
  if (!parsed.ok) return parsed
  const place = {
    topic: PRICE_FILE_TOPIC,
    partition: 0,
    offset: BigInt(number - 1),
    key: Buffer.from(parsed.key),
    headers: [],
  }
  if (parsed.kind === 'delisted') return { ...place, timestampMs: timeBeforeMs, value: undefined }
  const timestampMs = parsed.updates.reduce((newest, { eventTimeMs }) => Math.max(newest, eventTimeMs), 0)
  return { ...place, timestampMs, value: Buffer.from(trimmed) }
}
