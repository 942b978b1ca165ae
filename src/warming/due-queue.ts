/** A member of a DueQueue. The queue sets `heapIndex`. */
export interface Due {
  readonly dueMs: number
  /** -1 while it is in no queue. */
  heapIndex: number
}

/** A binary heap, the earliest due time first. Members know their index, so one can be removed early. */
export class DueQueue<T extends Due> {
  readonly #heap: T[] = []

  get size(): number {
    return this.#heap.length
  }

  peek(): T | undefined {
    return this.#heap[0]
  }

  push(item: T): void {
    this.#set(this.#heap.length, item)
    this.#up(item.heapIndex)
  }

  remove(item: T): void {
    const at = item.heapIndex
    const last = this.#heap.pop()
    item.heapIndex = -1
    if (last === undefined || last === item) return
    this.#set(at, last)
    this.#up(at)
    this.#down(last.heapIndex)
  }

  #up(from: number): void {
    let at = from
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (this.#dueMs(parent) <= this.#dueMs(at)) return
      this.#swap(at, parent)
      at = parent
    }
  }

  #down(from: number): void {
    let at = from
    for (;;) {
      const left = 2 * at + 1
      if (left >= this.#heap.length) return
      const earlier = this.#dueMs(left + 1) < this.#dueMs(left) ? left + 1 : left
      if (this.#dueMs(at) <= this.#dueMs(earlier)) return
      this.#swap(at, earlier)
      at = earlier
    }
  }

  #dueMs(at: number): number {
    return this.#heap[at]?.dueMs ?? Number.POSITIVE_INFINITY
  }

  #swap(a: number, b: number): void {
    const [first, second] = [this.#heap[a] as T, this.#heap[b] as T]
    this.#set(a, second)
    this.#set(b, first)
  }

  #set(at: number, item: T): void {
    this.#heap[at] = item
    item.heapIndex = at
  }
}
