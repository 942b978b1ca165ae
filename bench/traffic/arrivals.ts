/** Notes when each of a range of sequence numbers first arrived, and how often. Other numbers are ignored. */
export class Arrivals {
  readonly #from: number
  readonly #times: Uint8Array
  readonly #atMs: Float64Array
  readonly #waiting: { readonly count: number; readonly resolve: () => void }[] = []
  #distinct = 0

  constructor(from: number, count: number) {
    this.#from = from
    this.#times = new Uint8Array(count)
    this.#atMs = new Float64Array(count)
  }

  get distinct(): number {
    return this.#distinct
  }

  note(sequence: number): void {
    const index = sequence - this.#from
    const times = this.#times[index]
    if (times === undefined) return
    this.#times[index] = Math.min(times + 1, 255)
    if (times > 0) return
    this.#atMs[index] = performance.now()
    this.#distinct++
    for (const { count, resolve } of this.#waiting) if (count === this.#distinct) resolve()
  }

  /** On the clock of performance.now(). */
  atMs(sequence: number): number {
    return this.#atMs[sequence - this.#from] ?? Number.NaN
  }

  /** How many numbers arrived more than once. */
  get repeated(): number {
    return this.#times.reduce((sum, times) => sum + (times > 1 ? 1 : 0), 0)
  }

  /** Resolves to true when `count` different numbers have arrived, to false after `timeoutMs`. */
  async reached(count: number, timeoutMs: number): Promise<boolean> {
    if (this.#distinct >= count) return true
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs, false)
      this.#waiting.push({
        count,
        resolve: () => {
          clearTimeout(timer)
          resolve(true)
        },
      })
    })
  }
}
