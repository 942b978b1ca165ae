/** How long a consumer takes from the first record it is handed to the last one it has handled. */
export class StopWatch {
  /** Resolves to milliseconds. */
  readonly finished: Promise<number>
  readonly #resolve: (ms: number) => void
  #left: number
  #startMs = Number.NaN

  constructor(records: number) {
    const { promise, resolve } = Promise.withResolvers<number>()
    this.finished = promise
    this.#resolve = resolve
    this.#left = records
  }

  begin(): void {
    if (Number.isNaN(this.#startMs)) this.#startMs = performance.now()
  }

  handled(records: number): void {
    this.#left -= records
    if (this.#left <= 0) this.#resolve(performance.now() - this.#startMs)
  }
}
