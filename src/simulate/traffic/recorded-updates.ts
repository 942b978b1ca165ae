import type { PriceUpdate } from '../../../schemas/price-update.ts'
import { parseWarmResult } from '../../../schemas/warm-result.ts'
import { contentOf } from '../../replay/content.ts'
import { isRecording, openRecording } from '../../replay/recording/source.ts'
import type { ReplayRecord } from '../../replay/replay-record.ts'
import { type BadLine, badLineText, badPriceLine, type OnBadLine } from '../../replay/source/bad-line.ts'
import { LineFile } from '../../replay/source/lines.ts'
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
 * records are passed over, or NDJSON of price records. Any other line of it is given to `onBadLine`. Rejects with the
 * signal's reason when it is aborted.
 */
export async function* recordedUpdates(path: string, options: ReadOptions = {}): AsyncGenerator<readonly Recorded[]> {
  if (await isRecording(path)) yield* ofRecording(path, options)
  else yield* ofLines(path, options)
}

export interface ReadOptions {
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
  { signal = new AbortController().signal, onUnreadable }: ReadOptions,
): AsyncGenerator<readonly Recorded[]> {
  const source = await openRecording(path, signal)
  for await (const records of source.read(signal)) {
    signal.throwIfAborted()
    const recorded: Recorded[] = []
    for (const record of records) {
      const content = contentOf(record)
      if (content.kind === 'prices') recorded.push({ updates: content.updates, place: record })
      else if (content.kind === 'other' && !isWarmResult(record)) onUnreadable?.(content.reason, record)
    }
    yield recorded
  }
}

function isWarmResult({ value }: ReplayRecord): boolean {
  return value !== undefined && parseWarmResult(value).ok
}

async function* ofLines(
  path: string,
  { signal, onBadLine = endAtBadLine }: ReadOptions,
): AsyncGenerator<readonly Recorded[]> {
  for await (const lines of new LineFile(path).read(signal)) {
    const recorded: Recorded[] = []
    for (const line of lines) {
      if (line.text.trim() === '') continue
      const parsed = parsePriceLine(line)
      if (!parsed.ok) onBadLine(badPriceLine(path, line, parsed))
      else if (parsed.kind === 'prices') recorded.push({ updates: parsed.updates, place: line.number })
    }
    yield recorded
  }
}
