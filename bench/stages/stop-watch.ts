/** No consumer that works takes so long. */
const TIMEOUT_MS = 120_000

/** How long a consumer takes from the first record it is handed to the last one it has handled. */
export class StopWatch {
  readonly #records: number
  readonly #finished = Promise.withResolvers<number>()
  #handled = 0
  #startMs = Number.NaN

  constructor(records: number) {
    this.#records = records
  }

  begin(): void {
    if (Number.isNaN(this.#startMs)) this.#startMs = performance.now()
  }

  handled(records: number): void {
    this.#handled += records
    if (this.#handled >= this.#records) this.#finished.resolve(performance.now() - this.#startMs)
  }

  /** Resolves to milliseconds; rejects when it takes longer than `timeoutMs`. */
  async finished(timeoutMs = TIMEOUT_MS): Promise<number> {
    const timer = setTimeout(() => {
      this.#finished.reject(new Error(`${this.#handled} of ${this.#records} records were handled in ${timeoutMs} ms`))
    }, timeoutMs)
    try {
      return await this.#finished.promise
    } finally {
      clearTimeout(timer)
    }
  }
}
