import type { BatchHeader } from './batch-header.ts'
import { PLACES, type RecordColumns } from './record-columns.ts'
import { CURSOR, varint } from './varints.ts'

/** The decompressed records of one batch: they fill `bytes` from `from` up to `to`. */
export interface PlainRecords {
  readonly header: BatchHeader
  readonly bytes: Buffer
  readonly from: number
  readonly to: number
  /** Records before it are left out. */
  readonly position: number
}

/** Length, attributes, time, offset, lengths of key and value, number of headers: a byte each. */
export const MIN_RECORD_BYTES = 7

/** Adds all records of a batch. Throws, and adds none, if they contradict themselves or the header. */
export function appendRecords(columns: RecordColumns, records: PlainRecords): void {
  const { header, bytes, from, to } = records
  const { count, base, lastDelta, firstTimeMs } = header
  const firstDelta = records.position - base
  if (count < 0 || count * MIN_RECORD_BYTES > to - from) throw new Error(`${count} records in ${to - from} bytes`)
  columns.reserve(columns.count + count)
  const source = columns.sourceFor(bytes)
  const { offsets, timesMs, places, sourceOf } = columns
  let row = columns.count
  let previous = -1
  CURSOR.at = from
  for (let left = count; left > 0; left--) {
    const length = varint(bytes)
    const end = CURSOR.at + length
    if (length < 0 || end > to) throw new Error(`a record of ${length} bytes, ${to - CURSOR.at} are left`)
    CURSOR.at++
    const time = varint(bytes)
    const delta = varint(bytes)
    if (delta <= previous || delta > lastDelta) throw new Error(`offset ${delta} of ${lastDelta} after ${previous}`)
    previous = delta
    const at = row * PLACES
    const keyLength = varint(bytes)
    places[at] = CURSOR.at
    places[at + 1] = keyLength < 0 ? -1 : CURSOR.at + keyLength
    if (keyLength > 0) CURSOR.at += keyLength
    const valueLength = varint(bytes)
    places[at + 2] = CURSOR.at
    places[at + 3] = valueLength < 0 ? -1 : CURSOR.at + valueLength
    if (valueLength > 0) CURSOR.at += valueLength
    places[at + 4] = CURSOR.at
    places[at + 5] = end
    // The usual record has no headers, which is one byte of 0.
    if (CURSOR.at === end - 1 && bytes[CURSOR.at] === 0) CURSOR.at = end
    else passHeaders(bytes, end)
    offsets[row] = base + delta
    timesMs[row] = firstTimeMs + time
    sourceOf[row] = source
    if (delta >= firstDelta) row++
  }
  if (CURSOR.at !== to) throw new Error(`${to - CURSOR.at} bytes behind its ${count} records`)
  columns.count = row
}

/** Checks the headers, which fill the record from the cursor up to `end`: later they are read without a check. */
function passHeaders(bytes: Buffer, end: number): void {
  // Each header is a name and a value.
  let left = CURSOR.at < end ? 2 * varint(bytes) : -1
  let at = CURSOR.at
  for (; left > 0 && at < end; left--) {
    const byte = bytes[at] as number
    // The usual length: one byte and not negative.
    if ((byte & 0x81) === 0) at += 1 + (byte >>> 1)
    else {
      CURSOR.at = at
      const length = varint(bytes)
      if (length < 0 && left % 2 === 0) break
      at = CURSOR.at + Math.max(length, 0)
    }
  }
  CURSOR.at = at
  if (left !== 0 || at !== end) throw new Error('a key, a value or headers that do not fit into their record')
}
