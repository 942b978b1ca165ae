import { jest } from '@jest/globals'

type Words = Int32Array<SharedArrayBuffer> | BigInt64Array<SharedArrayBuffer>

interface Store {
  readonly at: number
  readonly value: number | bigint
  readonly into: Words
}

/**
 * The stores of a writer to shared memory. They are made anew, one by one, in copies of that memory. So a reader of the copies
 * may stop between any two of its loads while the writer goes on, and may read between any two stores.
 */
export class StoreTrace {
  readonly #stores: Store[] = []
  /** A copy of each buffer as it was at the start. */
  readonly #copies: ReadonlyMap<SharedArrayBuffer, SharedArrayBuffer>
  #made = 0

  constructor(buffers: readonly SharedArrayBuffer[]) {
    this.#copies = new Map(buffers.map((buffer) => [buffer, copyOf(buffer)]))
  }

  get length(): number {
    return this.#stores.length
  }

  /** How many stores were made in the copies. */
  get made(): number {
    return this.#made
  }

  copyOf(buffer: SharedArrayBuffer): SharedArrayBuffer {
    const copy = this.#copies.get(buffer)
    if (copy === undefined) throw new Error('the trace has no copy of this buffer')
    return copy
  }

  /** Keeps the stores that `write` makes through Atomics. */
  record(write: () => void): void {
    const { store, add } = Atomics
    const keep = (into: Words, at: number, value: number | bigint) => {
      const copy = this.copyOf(into.buffer)
      const View = into.constructor as Int32ArrayConstructor
      this.#stores.push({ into: new View(copy, into.byteOffset, into.length), at, value })
    }
    const stores = jest.spyOn(Atomics, 'store').mockImplementation(((into: Words, at: number, value: number) => {
      keep(into, at, value)
      return store(into as Int32Array, at, value)
    }) as typeof store)
    const adds = jest.spyOn(Atomics, 'add').mockImplementation(((
      into: Int32Array<SharedArrayBuffer>,
      at: number,
      by: number,
    ) => {
      keep(into, at, (into[at] as number) + by)
      return add(into, at, by)
    }) as typeof add)
    try {
      write()
    } finally {
      stores.mockRestore()
      adds.mockRestore()
    }
  }

  /** Makes the next stores in the copies. */
  make(stores: number): void {
    for (const end = Math.min(this.length, this.#made + stores); this.#made < end; this.#made++) {
      const { into, at, value } = this.#stores[this.#made] as Store
      into[at] = value
    }
  }

  /** Calls `pause` before each load that `read` makes through Atomics. */
  static pausing<T>(pause: () => unknown, read: () => T): T {
    const { load } = Atomics
    const loads = jest.spyOn(Atomics, 'load').mockImplementation(((from: Int32Array, at: number) => {
      pause()
      return load(from, at)
    }) as typeof load)
    try {
      return read()
    } finally {
      loads.mockRestore()
    }
  }
}

function copyOf(buffer: SharedArrayBuffer): SharedArrayBuffer {
  const copy = new SharedArrayBuffer(buffer.byteLength)
  new Uint8Array(copy).set(new Uint8Array(buffer))
  return copy
}
