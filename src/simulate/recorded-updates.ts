import type { PriceUpdate } from '../../schemas/price-update.ts'
import type { Refused } from '../../schemas/refusal.ts'
import { contentOf } from '../replay/content.ts'
import { LineFile } from '../replay/lines.ts'
import { parsePriceLine } from '../replay/price-line.ts'
import { isRecording, openRecording } from '../replay/recording-source.ts'
import { SimulationError } from './simulation-error.ts'

/**
 * The price updates of a file, in lists: of a recording (`forewarm record`), whatever else it holds; or NDJSON of price
 * records, where a line that is none ends it with `bad-file`. Rejects with the signal's reason when it is aborted.
 */
export async function* recordedUpdates(
  path: string,
  options: ReadOptions = {},
): AsyncGenerator<readonly PriceUpdate[]> {
  if (await isRecording(path)) yield* ofRecording(path, options)
  else yield* ofLines(path, options)
}

export interface ReadOptions {
  readonly signal?: AbortSignal | undefined
  /** For each record of a recording that is neither a price record nor any other that has a meaning. */
  readonly onUnreadable?: () => void
}

async function* ofRecording(
  path: string,
  { signal = new AbortController().signal, onUnreadable }: ReadOptions,
): AsyncGenerator<readonly PriceUpdate[]> {
  const source = await openRecording(path, signal)
  for await (const records of source.read(signal)) {
    signal.throwIfAborted()
    for (const record of records) {
      const content = contentOf(record)
      if (content.kind === 'prices') yield content.updates
      else if (content.kind === 'other') onUnreadable?.()
    }
  }
}

async function* ofLines(path: string, { signal }: ReadOptions): AsyncGenerator<readonly PriceUpdate[]> {
  for await (const lines of new LineFile(path).read(signal)) {
    const updates: PriceUpdate[] = []
    for (const { text, isUtf8, number } of lines) {
      if (text.trim() === '') continue
      const line = parsePriceLine({ text, isUtf8 })
      if (!line.ok) throw new SimulationError('bad-file', `${path}, line ${number}${placed(line)}`)
      if (line.kind === 'prices') for (const update of line.updates) updates.push(update)
    }
    yield updates
  }
}

/** What JSON.parse says of where it stopped, which it takes for the only line. */
const POSITION = / at position \d+ \(line 1 column (\d+)\)/

function placed({ reason, detail }: Refused): string {
  const column = POSITION.exec(detail)?.[1]
  return `${column === undefined ? '' : `, column ${column}`}: ${reason}: ${detail.replace(POSITION, '')}`
}
