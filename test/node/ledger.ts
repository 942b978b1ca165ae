import type { PriceUpdate } from '../../schemas/price-update.ts'
import { type Detector, detector } from '../../src/detect/detector.ts'
import type { Stage } from './stage.ts'

/** Sends numbered updates, and counts how often each number is handled. */
export class Ledger {
  readonly #stage: Stage
  readonly #chains: readonly string[]
  /** How often each number was handled; the index is the number. */
  readonly #handled: number[] = []
  sent = 0
  /** How often a node saw a version or number of a pair after a higher one. */
  wentBack = 0

  constructor(stage: Stage, chains: readonly string[]) {
    this.#stage = stage
    this.#chains = chains
  }

  /** Sends the next `count`, to the chains in turn, for seven pairs each. Resolves when they are stored. */
  async send(count: number): Promise<void> {
    const from = this.sent
    this.sent += count
    const updates = Array.from({ length: count }, (_, i) => this.#update(from + i))
    await this.#stage.produce(...updates)
  }

  /** The last `count` were not stored; their numbers will be sent again. */
  takeBack(count: number): void {
    this.sent -= count
  }

  /** A detector for one node that counts what it handles. */
  detector(settled?: () => Promise<void>): Detector {
    const last = new Map<string, number>()
    const versions = new Map<string, number>()
    return detector('ledger', {}, ({ chain, pair, price }, prices) => {
      const name = `${chain} ${pair}`
      this.#handled[price] = (this.#handled[price] ?? 0) + 1
      const reading = prices.get(chain, pair)
      const version = typeof reading === 'object' ? reading.version : 0
      if (price < (last.get(name) ?? 0) || version < (versions.get(name) ?? 0)) this.wentBack++
      last.set(name, price)
      versions.set(name, version)
      return settled?.()
    })
  }

  get handled(): number {
    return this.#handled.reduce((sum, times) => sum + (times > 0 ? 1 : 0), 0)
  }

  /** Numbers that were handled more than once. */
  get repeated(): number[] {
    return [...this.#handled.keys()].filter((number) => (this.#handled[number] ?? 0) > 1)
  }

  /** Numbers that were sent but not handled. */
  get missing(): number[] {
    return Array.from({ length: this.sent }, (_, number) => number).filter((number) => !this.#handled[number])
  }

  #update(number: number): PriceUpdate {
    const chain = this.#chains[number % this.#chains.length] ?? ''
    const pair = `P${Math.floor(number / this.#chains.length) % 7}`
    return { pair, chain, price: number, eventTimeMs: Date.now() }
  }
}
