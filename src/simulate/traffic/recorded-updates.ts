import type { PriceUpdate } from '../../../schemas/price-update.ts'
import type { Refused } from '../../../schemas/refusal.ts'
import { parseWarmResult } from '../../../schemas/warm-result.ts'
import type { Format } from '../../formats/format.ts'
import type { Formats } from '../../formats/formats.ts'
import { contentOf, SKIPPED_REASON } from '../../replay/content.ts'
import { isRecording, openRecording } from '../../replay/recording/source.ts'
import type { ReplayRecord } from '../../replay/replay-record.ts'
import { type BadLine, badLineText, badPriceLine, type OnBadLine } from '../../replay/source/bad-line.ts'
import { lineRecord } from '../../replay/source/line-record.ts'
import { type Line, LineFile } from '../../replay/source/lines.ts'
import { parsePriceLine } from '../../replay/source/price-line.ts'
import { SimulationError } from '../simulation-error.ts'

/** The updates of a record and its place: the number of its line or, in a recording, the record itself. */
export interface Recorded {
  readonly updates: readonly PriceUpdate[]
  readonly place: number | ReplayRecord
}

/** The place in words. */
export function placeText(path: string, place: Recorded['place']): string {
  if (typeof place === 'number') return `${path}, line ${place}`
  const { topic, partition, offset } = place
  return `${path}, topic ${topic}, partition ${partition}, offset ${offset}`
}

/**
 * The price updates of a file, record by record, in lists. The file is a recording (`forewarm record`), whose other
 * records are passed over, or NDJSON of price records, or of `topic`'s own records. Any other line of it is given to
 * `onBadLine`. Rejects with the signal's reason when it is aborted.
 */
export async function* recordedUpdates(path: string, options: ReadOptions = {}): AsyncGenerator<readonly Recorded[]> {
  if (await isRecording(path)) yield* ofRecording(path, options)
  else yield* ofLines(path, options)
}

export interface ReadOptions {
  /** How the records of topics are read that are not of our own format. */
  readonly formats?: Formats | undefined
  /** The lines of a file that is no recording are records of this topic. */
  readonly topic?: string | undefined
  readonly signal?: AbortSignal | undefined
  /** Called for each record of a recording that cannot be read. */
  readonly onUnreadable?: (reason: string, record: ReplayRecord) => void
  /** Default: throws a SimulationError `bad-file`. */
  readonly onBadLine?: OnBadLine | undefined
}

export function endAtBadLine(line: BadLine): never {
  throw new SimulationError('bad-file', badLineText(line))
}

async function* ofRecording(
  path: string,
  { signal = new AbortController().signal, formats, onUnreadable }: ReadOptions,
): AsyncGenerator<readonly Recorded[]> {
  const source = await openRecording(path, signal)
  for await (const records of source.read(signal)) {
    signal.throwIfAborted()
    await formats?.ready(records, signal)
    const recorded: Recorded[] = []
    for (const record of records) {
      const content = contentOf(record, formats)
      if (content.kind === 'prices') recorded.push({ updates: content.updates, place: record })
      else if (content.kind === 'other' && content.reason !== SKIPPED_REASON && !isWarmResult(record))
        onUnreadable?.(content.reason, record)
    }
    yield recorded
  }
}

function isWarmResult({ value }: ReplayRecord): boolean {
  return value !== undefined && parseWarmResult(value).ok
}

async function* ofLines(
  path: string,
  { signal, formats, topic = '', onBadLine = endAtBadLine }: ReadOptions,
): AsyncGenerator<readonly Recorded[]> {
  const format = topic === '' ? undefined : formats?.of(topic)
  for await (const lines of new LineFile(path).read(signal)) {
    const recorded: Recorded[] = []
    for (const line of lines) {
      if (line.text.trim() === '') continue
      const updates = format === undefined ? ownUpdates(line) : foreignUpdates(line, format, topic)
      if ('ok' in updates) onBadLine(badPriceLine(path, line, updates))
      else if (updates.length > 0) recorded.push({ updates, place: line.number })
    }
    yield recorded
  }
}

function ownUpdates(line: Line): readonly PriceUpdate[] | Refused {
  const parsed = parsePriceLine(line)
  if (!parsed.ok) return parsed
  return parsed.kind === 'prices' ? parsed.updates : []
}

/** A line has no time of Kafka's: a format that takes it for the event time reads none. */
function foreignUpdates(line: Line, format: Format, topic: string): readonly PriceUpdate[] | Refused {
  const said = format.decode(lineRecord(line, { topic, timestampMs: Number.NaN }))
  return said.ok ? said.updates : said
}
