/** Promises that are not settled yet. */
export class InFlight {
  readonly #promises = new Set<Promise<unknown>>()

  get size(): number {
    return this.#promises.size
  }

  async add<T>(promise: Promise<T>): Promise<T> {
    this.#promises.add(promise)
    try {
      return await promise
    } finally {
      this.#promises.delete(promise)
    }
  }

  /** Resolves when those that are in flight now are settled; never rejects. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#promises)
  }
}
