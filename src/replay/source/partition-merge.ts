import { compareRecords, type ReplayRecord, sizeOf } from '../replay-record.ts'

/**
 * Merges partitions, each in offset order, into one stream in replay order. The least of the partitions' first records is
 * taken next. So a partition's records stay in order, even if its timestamps go back.
 *
 * A binary heap holds the partitions that have a record, ordered by their first ones.
 */
export class PartitionMerge {
  readonly #queues = new Map<string, PartitionQueue>()
  readonly #heap: PartitionQueue[] = []
  #buffered = 0
  #bytes = 0

  /** Records added and not taken yet. */
  get buffered(): number {
    return this.#buffered
  }

  /** About how much memory these take. */
  get bytes(): number {
    return this.#bytes
  }

  /** Records of one partition, added and not taken yet. */
  bufferedOf(partition: string): number {
    const queue = this.#queues.get(partition)
    return queue === undefined ? 0 : queue.records.length - queue.head
  }

  bytesOf(partition: string): number {
    return this.#queues.get(partition)?.bytes ?? 0
  }

  /** `partition`: any name that no other one has. */
  add(partition: string, record: ReplayRecord): void {
    let queue = this.#queues.get(partition)
    if (queue === undefined) {
      queue = { partition, records: [], head: 0, bytes: 0 }
      this.#queues.set(partition, queue)
    }
    const bytes = sizeOf(record)
    queue.records.push(record)
    queue.bytes += bytes
    this.#bytes += bytes
    this.#buffered++
    if (queue.records.length - queue.head === 1) {
      this.#heap.push(queue)
      this.#up(this.#heap.length - 1)
    }
  }

  /** The next record, and whether its partition is empty now; undefined when nothing is buffered. */
  take(): { readonly record: ReplayRecord; readonly partition: string; readonly emptied: boolean } | undefined {
    const queue = this.#heap[0]
    const record = queue?.records[queue.head]
    if (queue === undefined || record === undefined) return undefined
    const bytes = sizeOf(record)
    queue.head++
    queue.bytes -= bytes
    this.#bytes -= bytes
    this.#buffered--
    const emptied = queue.head === queue.records.length
    if (emptied) {
      queue.records = []
      queue.head = 0
      const last = this.#heap.pop()
      if (last !== undefined && last !== queue) this.#heap[0] = last
    } else if (queue.head >= COMPACT_AT) {
      queue.records = queue.records.slice(queue.head)
      queue.head = 0
    }
    this.#down(0)
    return { record, partition: queue.partition, emptied }
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

/** Taken records are dropped this many at a time: to shift an array for each of them would copy it each time. */
const COMPACT_AT = 1024

interface PartitionQueue {
  readonly partition: string
  records: ReplayRecord[]
  /** The place of the first record that is not taken yet. */
  head: number
  bytes: number
}

function headOf(queue: PartitionQueue | undefined): ReplayRecord | undefined {
  return queue?.records[queue.head]
}
