import type { Run } from './run.ts'
import type { Counts, Tally } from './tally.ts'
import type { PriceTape } from './traffic/price-tape.ts'
import type { PriceWarming } from './warmings/price.ts'

export interface PriceRunOptions {
  readonly tape: PriceTape
  readonly tally: Tally
  readonly warming: PriceWarming
  /** Time from an update to its reads. */
  readonly delayMs: number
}

/**
 * Runs a tape: updates at their times, and a detector that reads `delayMs` after each. What is due at the same time goes
 * in this order: values that arrive, reads, the next update. Only reads and warms give a pair a slot; updates do not.
 */
export class PriceRun implements Run {
  readonly length: number
  readonly #options: PriceRunOptions
  readonly #delayUs: number
  /** The next update, and the first update whose reads are still to come. */
  #next = 0
  #nextRead = 0

  constructor(options: PriceRunOptions) {
    this.#options = options
    this.#delayUs = options.delayMs * 1000
    this.length = options.tape.updates.length
  }

  get counts(): Readonly<Counts> {
    return this.#options.tally.counts
  }

  advance(end: number): void {
    const { tape, warming } = this.#options
    for (; this.#next < end; this.#next++) {
      const nowUs = tape.timesUs[this.#next] as number
      this.#readUntil(nowUs)
      warming.release?.(nowUs / 1000)
      warming.update?.(tape.updates[this.#next] as number, this.#next, nowUs / 1000)
    }
    if (end === this.length) this.#readUntil(Number.POSITIVE_INFINITY)
  }

  /** Does the reads that are due by then. */
  #readUntil(nowUs: number): void {
    const { tape, tally, warming, delayMs } = this.#options
    for (; this.#nextRead < this.#next; this.#nextRead++) {
      const dueUs = (tape.timesUs[this.#nextRead] as number) + this.#delayUs
      if (dueUs > nowUs) return
      const trigger = tape.updates[this.#nextRead] as number
      const reads = tape.reads[trigger] as Int32Array
      warming.release?.(dueUs / 1000)
      for (const pairId of reads) {
        warming.beforeRead?.(pairId)
        const outcome = tally.read(pairId)
        warming.read?.(pairId, outcome)
      }
      warming.afterReads?.(trigger, reads, delayMs)
    }
  }
}
