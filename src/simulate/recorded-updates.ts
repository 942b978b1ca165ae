import type { PriceUpdate } from '../../schemas/price-update.ts'
import { contentOf } from '../replay/content.ts'
import { LineFile } from '../replay/lines.ts'
import { parsePriceLine } from '../replay/price-line.ts'
import { isRecording, openRecording } from '../replay/recording-source.ts'
import { SimulationError } from './simulation-error.ts'

/**
 * The price updates of a file, in lists: of a recording (`forewarm record`), whatever else it holds; or NDJSON of price
 * records, where a line that is none ends it with `bad-file`.
 */
export async function* recordedUpdates(path: string): AsyncGenerator<readonly PriceUpdate[]> {
  if (await isRecording(path)) yield* ofRecording(path)
  else yield* ofLines(path)
}

async function* ofRecording(path: string): AsyncGenerator<readonly PriceUpdate[]> {
  const source = await openRecording(path)
  for await (const records of source.read(new AbortController().signal)) {
    for (const record of records) {
      const content = contentOf(record)
      if (content.kind === 'prices') yield content.updates
    }
  }
}

async function* ofLines(path: string): AsyncGenerator<readonly PriceUpdate[]> {
  for await (const lines of new LineFile(path).read()) {
    const updates: PriceUpdate[] = []
    for (const { text, number } of lines) {
      if (text.trim() === '') continue
      const line = parsePriceLine(text)
      if (!line.ok) throw new SimulationError('bad-file', `${path}, line ${number}: ${line.reason}: ${line.detail}`)
      if (line.kind === 'prices') for (const update of line.updates) updates.push(update)
    }
    yield updates
  }
}
