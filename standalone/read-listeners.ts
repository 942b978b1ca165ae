/** Is told of the reads of a cache. */
export interface ReadListener {
  /** `isHit`: L1 had the pair. `isWarmed`: it had it because of a warm. */
  onRead(pairId: number, isHit: boolean, isWarmed: boolean): void
  /** What `getOrLoad` and `getMany` wait for after their reads; undefined if nothing. */
  waits?(): Promise<void> | undefined
}

/** The listeners of a cache, in the order in which they came. */
export class ReadListeners {
  #all: readonly ReadListener[] = []

  get isEmpty(): boolean {
    return this.#all.length === 0
  }

  add(listener: ReadListener): { stop(): void } {
    this.#all = [...this.#all, listener]
    return {
      stop: () => {
        this.#all = this.#all.filter((each) => each !== listener)
      },
    }
  }

  tell(pairId: number, isHit: boolean, isWarmed: boolean): void {
    for (const listener of this.#all) listener.onRead(pairId, isHit, isWarmed)
  }

  waits(): Promise<unknown> | undefined {
    const waits = this.#all.flatMap((listener) => listener.waits?.() ?? [])
    return waits.length === 0 ? undefined : Promise.all(waits)
  }
}
