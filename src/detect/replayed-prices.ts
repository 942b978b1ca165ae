import { setImmediate as nextTurn } from 'node:timers/promises'
import { InFlight } from '../in-flight.ts'
import type { Prices } from './prices.ts'
import type { NoReading, Reading, ReadOptions } from './reading.ts'

type Read = Reading | NoReading

/** Why a replay answered 'missing' although a price was there. */
export type Withheld = 'too-late' | 'newer'

export interface ReplayedPricesOptions {
  readonly prices: Prices
  /** Prices of after this time are withheld. */
  readonly asOfMs: number
  readonly onWithheld: (why: Withheld) => void
}

/**
 * The prices of one update as one detector reads them in a replay. None is of after the update: a read after the update's
 * handlers have settled, or were given up, is answered 'missing' and counted.
 */
export class ReplayedPrices implements Prices {
  readonly #options: ReplayedPricesOptions
  readonly #reads = new InFlight()
  #isOver = false

  constructor(options: ReplayedPricesOptions) {
    this.#options = options
  }

  get(chain: string, pair: string, options?: ReadOptions): Read {
    return this.#isOver ? this.#withheld('too-late') : this.#known(this.#options.prices.get(chain, pair, options))
  }

  async getOrLoad(chain: string, pair: string, options?: ReadOptions): Promise<Read> {
    const [read = 'missing'] = await this.getMany(chain, [pair], options)
    return read
  }

  async getMany(chain: string, pairs: readonly string[], options?: ReadOptions): Promise<Read[]> {
    if (this.#isOver) return pairs.map(() => this.#withheld('too-late'))
    const reads = await this.#reads.add(this.#options.prices.getMany(chain, pairs, options))
    return reads.map((read) => (this.#isOver ? this.#withheld('too-late') : this.#known(read)))
  }

  /**
   * Takes what the handler has returned. Returns a promise of it if the replay has to wait: reads that the handler does
   * not await are waited for, too, and so is what follows from them.
   */
  settles(returned: unknown): unknown {
    return returned instanceof Promise || this.#reads.size > 0 ? this.#settled(returned) : returned
  }

  /** The update's handlers have settled or were given up: the next record may come. */
  end(): void {
    this.#isOver = true
  }

  async #settled(returned: unknown): Promise<unknown> {
    try {
      return await returned
    } finally {
      do {
        await this.#reads.settled()
        // What awaits a read goes on in microtasks, and may read again.
        await nextTurn()
      } while (this.#reads.size > 0 && !this.#isOver)
    }
  }

  #known(read: Read): Read {
    return typeof read === 'object' && read.eventTimeMs > this.#options.asOfMs ? this.#withheld('newer') : read
  }

  #withheld(why: Withheld): 'missing' {
    this.#options.onWithheld(why)
    return 'missing'
  }
}
