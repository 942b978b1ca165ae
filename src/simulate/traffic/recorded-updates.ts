import type { PriceUpdate } from '../../../schemas/price-update.ts'
import type { Refused } from '../../../schemas/refusal.ts'
import { contentOf } from '../../replay/content.ts'
import { isRecording, openRecording } from '../../replay/recording/source.ts'
import type { ReplayRecord } from '../../replay/replay-record.ts'
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
 * records are passed over, or NDJSON of price records, where any other line ends it with `bad-file`. Rejects with the
 * signal's reason when it is aborted.
 */
export async function* recordedUpdates(path: string, options: ReadOptions = {}): AsyncGenerator<readonly Recorded[]> {
  if (await isRecording(path)) yield* ofRecording(path, options)
  else yield* ofLines(path, options)
}

export interface ReadOptions {
  readonly signal?: AbortSignal | undefined
  /** Called for each record of a recording that cannot be read. */
  readonly onUnreadable?: () => void
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
      else if (content.kind === 'other') onUnreadable?.()
    }
    yield recorded
  }
}

async function* ofLines(path: string, { signal }: ReadOptions): AsyncGenerator<readonly Recorded[]> {
  for await (const lines of new LineFile(path).read(signal)) {
    const recorded: Recorded[] = []
    for (const { text, isUtf8, number } of lines) {
      if (text.trim() === '') continue
      const line = parsePriceLine({ text, isUtf8 })
      if (!line.ok) throw new SimulationError('bad-file', `${placeText(path, number)}${placed(line)}`)
      if (line.kind === 'prices') recorded.push({ updates: line.updates, place: number })
    }
    yield recorded
  }
}

/** JSON.parse says where it stopped; it knows of one line only. */
const POSITION = / at position \d+ \(line 1 column (\d+)\)/

function placed({ reason, detail }: Refused): string {
  const column = POSITION.exec(detail)?.[1]
  return `${column === undefined ? '' : `, column ${column}`}: ${reason}: ${detail.replace(POSITION, '')}`
}
