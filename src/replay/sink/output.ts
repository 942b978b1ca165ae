import type { Writable } from 'node:stream'
import { partitionName } from '../../broker/partition-name.ts'
import type { Formats } from '../../formats/formats.ts'
import { contentOf, SKIPPED_REASON } from '../content.ts'
import { recordLine } from '../recording/line.ts'
import type { ReplayRecord } from '../replay-record.ts'
import { delistedLine } from '../source/price-line.ts'
import { LostLedger, type LostRecords } from '../source/source.ts'
import type { ReplaySink } from './sink.ts'

/** The lines of an output: `updates`, as `produce` reads them, or `records`, whole ones as in a recording. */
export type OutputFormat = 'updates' | 'records'

const PIECE_CHARS = 32 * 1024

/** Writes lines to a stream as fast as it takes them. If the reader goes away, no more is written, without an error. */
export class OutputSink implements ReplaySink {
  readonly #output: Writable
  readonly #format: OutputFormat
  readonly #formats: Formats | undefined
  readonly #failed = new LostLedger()
  #pending = ''

  constructor(output: Writable, format: OutputFormat, formats?: Formats) {
    this.#output = output
    this.#formats = formats
    this.#format = format
  }

  apply(record: ReplayRecord): Promise<void> | undefined {
    this.#pending += this.#format === 'records' ? `${recordLine(record)}\n` : this.#updateLines(record)
    return this.#pending.length < PIECE_CHARS ? undefined : this.flush()
  }

  async flush(): Promise<void> {
    const piece = this.#pending
    this.#pending = ''
    if (piece === '' || this.#output.write(piece) || this.#output.destroyed) return
    await drained(this.#output)
  }

  async close(): Promise<void> {
    await this.flush()
  }

  failed(): readonly LostRecords[] {
    return this.#failed.list()
  }

  #updateLines(record: ReplayRecord): string {
    const content = contentOf(record, this.#formats)
    switch (content.kind) {
      case 'prices':
        return content.updates.map((update) => `${JSON.stringify(update)}\n`).join('')
      case 'delisted':
        return [content, ...(content.others ?? [])].map(({ chain, pair }) => `${delistedLine(chain, pair)}\n`).join('')
      case 'warm-request':
        return `${JSON.stringify(content.request)}\n`
      case 'other':
        if (content.reason === SKIPPED_REASON) return ''
        this.#failed.add(content.reason, 1, `${partitionName(record)} offset ${record.offset}`)
        return ''
    }
  }
}

function drained(output: Writable): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  output.once('drain', resolve)
  output.once('close', resolve)
  return promise.finally(() => {
    output.off('drain', resolve)
    output.off('close', resolve)
  })
}
