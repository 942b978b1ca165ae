import { messageOf } from '../errors.ts'
import { BATCH_HEADER_BYTES } from '../producer/record-batch.ts'
import type { AbortedTransaction } from '../wire/fetch.ts'
import { BatchHeader, FIRST_BYTES } from './batch-header.ts'
import { decompress } from './codecs.ts'
import { RecordColumns } from './record-columns.ts'
import { appendRecords, MIN_RECORD_BYTES } from './records.ts'

export interface EncodedRecords {
  readonly records: Buffer
  /** The first offset that is wanted: a batch may begin before it. */
  readonly position: bigint
  readonly aborted: readonly AbortedTransaction[]
}

/** Offsets that were passed over because their records cannot be read. */
export interface SkippedBatch {
  readonly from: bigint
  readonly to: bigint
  readonly reason: string
}

/** If any bytes came, `next` is beyond the position or `neededBytes` is more than came. */
export interface DecodedRecords {
  readonly columns: RecordColumns
  /** The offset to fetch next: the one after the last whole batch, as its header says. */
  readonly next: bigint
  readonly skipped: readonly SkippedBatch[]
  /** How many bytes a fetch has to bring for `next` to move on; 0 if it moved, and if nothing came. */
  readonly neededBytes: number
}

/**
 * The committed records of one partition, from `position` on. Never throws.
 *
 * A batch whose checksum is right but whose records cannot be read is skipped, and the next one is read. A damaged batch
 * ends the reading, because it may have been the marker of a transaction. A fetch from there brings it again, with its
 * own list of aborted transactions. Only as the first batch of an answer is it given up, and then alone.
 */
export function decodeRecords({ records: bytes, position, aborted }: EncodedRecords): DecodedRecords {
  const columns = new RecordColumns(countRecords(bytes))
  const skipped: SkippedBatch[] = []
  const transactions = new Transactions(aborted)
  const start = Number(position)
  let next = start
  let at = 0
  let end = BATCH_HEADER_BYTES
  while (bytes.length - at >= FIRST_BYTES) {
    const header = new BatchHeader(bytes, at)
    const { damage } = header
    if (damage !== undefined && next === start) return givenUp(header, position, damage)
    end = header.end
    if (damage !== undefined || end > bytes.length) break
    const { last } = header
    const hasRecords = transactions.hasRecords(header)
    if (last >= next) {
      const reason = hasRecords ? appendBatch(columns, header, { bytes, at, position: next }) : undefined
      if (reason !== undefined) skipped.push({ from: BigInt(Math.max(header.base, next)), to: BigInt(last), reason })
      next = last + 1
    }
    at = end
    end = at + BATCH_HEADER_BYTES
  }
  if (next > start) return { columns, next: BigInt(next), skipped, neededBytes: 0 }
  return { columns, next: position, skipped, neededBytes: bytes.length === 0 ? 0 : end }
}

/** How many records the headers of the batches promise; one that cannot hold as many is left out. */
function countRecords(bytes: Buffer): number {
  let records = 0
  for (let at = 0; bytes.length - at >= BATCH_HEADER_BYTES; ) {
    const header = new BatchHeader(bytes, at)
    const { count, end } = header
    if (end <= at) break
    if (count > 0 && end <= bytes.length && count * MIN_RECORD_BYTES <= end - at) records += count
    at = end
  }
  return records
}

function givenUp(header: BatchHeader, position: bigint, reason: string): DecodedRecords {
  const to = header.lastIfDamaged(position)
  return { columns: new RecordColumns(), next: to + 1n, skipped: [{ from: position, to, reason }], neededBytes: 0 }
}

/** The aborted transactions that an answer lists, each from its first offset to the marker of its producer. */
class Transactions {
  readonly #aborted: readonly AbortedTransaction[]
  readonly #open = new Set<bigint>()
  #next = 0

  constructor(aborted: readonly AbortedTransaction[]) {
    this.#aborted = aborted.toSorted((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1))
  }

  /** Whether a reader of committed records gets those of the batch. Batches have to come in their order. */
  hasRecords(header: BatchHeader): boolean {
    if (!header.isTransactional) return !header.isControl
    const { last, producerId } = header
    for (let entry = this.#aborted[this.#next]; entry !== undefined && entry.firstOffset <= last; ) {
      this.#open.add(entry.producerId)
      entry = this.#aborted[++this.#next]
    }
    if (!header.isControl) return !this.#open.has(producerId)
    this.#open.delete(producerId)
    return false
  }
}

interface Place {
  /** The bytes that came; the batch begins at `at`. */
  readonly bytes: Buffer
  readonly at: number
  readonly position: number
}

/** Adds the records of a batch. If they cannot be read, none is added, and the reason is returned. */
function appendBatch(columns: RecordColumns, header: BatchHeader, { bytes, at, position }: Place): string | undefined {
  const { count } = columns
  const sources = columns.sources.length
  const { codec, appendTimeMs } = header
  try {
    const plain = codec === 0 ? bytes : decompress(codec, header.body)
    const from = codec === 0 ? at + BATCH_HEADER_BYTES : 0
    const to = codec === 0 ? header.end : plain.length
    appendRecords(columns, { header, bytes: plain, from, to, position })
  } catch (error) {
    columns.sources.length = sources
    return messageOf(error)
  }
  if (appendTimeMs !== undefined) columns.timesMs.fill(appendTimeMs, count, columns.count)
  return undefined
}
