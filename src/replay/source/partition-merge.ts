import { compareRecords, type ReplayRecord, sizeOf } from '../replay-record.ts'

/**
 * Several partitions, each in offset order, into one stream in replay order. A lane is a partition; what may be taken
 * is the least of the lanes' heads, so within a partition nothing overtakes anything even where its timestamps go back.
 *
 * A binary heap holds the lanes that have a record, ordered by their heads.
 */
export class PartitionMerge {
  readonly #lanes = new Map<string, Lane>()
  readonly #heap: Lane[] = []
  #buffered = 0
  #bytes = 0

  /** Records that were added and not taken. */
  get buffered(): number {
    return this.#buffered
  }

  /** About what these take in memory. */
  get bytes(): number {
    return this.#bytes
  }

  /** Records of one lane that were added and not taken. */
  bufferedOf(lane: string): number {
    const found = this.#lanes.get(lane)
    return found === undefined ? 0 : found.records.length - found.head
  }

  bytesOf(lane: string): number {
    return this.#lanes.get(lane)?.bytes ?? 0
  }

  add(lane: string, record: ReplayRecord): void {
    let found = this.#lanes.get(lane)
    if (found === undefined) {
      found = { name: lane, records: [], head: 0, bytes: 0 }
      this.#lanes.set(lane, found)
    }
    const bytes = sizeOf(record)
    found.records.push(record)
    found.bytes += bytes
    this.#bytes += bytes
    this.#buffered++
    if (found.records.length - found.head === 1) {
      this.#heap.push(found)
      this.#up(this.#heap.length - 1)
    }
  }

  /** The next record and whether its lane is empty now; undefined when nothing is buffered. */
  take(): { readonly record: ReplayRecord; readonly lane: string; readonly emptied: boolean } | undefined {
    const lane = this.#heap[0]
    const record = lane?.records[lane.head]
    if (lane === undefined || record === undefined) return undefined
    const bytes = sizeOf(record)
    lane.head++
    lane.bytes -= bytes
    this.#bytes -= bytes
    this.#buffered--
    const emptied = lane.head === lane.records.length
    if (emptied) {
      lane.records = []
      lane.head = 0
      const last = this.#heap.pop()
      if (last !== undefined && last !== lane) this.#heap[0] = last
    } else if (lane.head >= COMPACT_AT) {
      lane.records = lane.records.slice(lane.head)
      lane.head = 0
    }
    this.#down(0)
    return { record, lane: lane.name, emptied }
  }

  #up(index: number): void {
    let child = index
    while (child > 0) {
      const parent = (child - 1) >> 1
      if (!this.#isBefore(child, parent)) return
      this.#swap(child, parent)
      child = parent
    }
  }

  #down(index: number): void {
    let parent = index
    for (;;) {
      const left = parent * 2 + 1
      const right = left + 1
      let least = parent
      if (left < this.#heap.length && this.#isBefore(left, least)) least = left
      if (right < this.#heap.length && this.#isBefore(right, least)) least = right
      if (least === parent) return
      this.#swap(least, parent)
      parent = least
    }
  }

  #isBefore(a: number, b: number): boolean {
    const x = headOf(this.#heap[a])
    const y = headOf(this.#heap[b])
    return x !== undefined && y !== undefined && compareRecords(x, y) < 0
  }

  #swap(a: number, b: number): void {
    const x = this.#heap[a]
    const y = this.#heap[b]
    if (x === undefined || y === undefined) return
    this.#heap[a] = y
    this.#heap[b] = x
  }
}

/** Taken records are let go of in pieces of this size: shifting an array a record at a time would copy it each time. */
const COMPACT_AT = 1024

interface Lane {
  readonly name: string
  records: ReplayRecord[]
  head: number
  bytes: number
}

function headOf(lane: Lane | undefined): ReplayRecord | undefined {
  return lane?.records[lane.head]
}
