import type { Counter, Labels, Metrics } from './slab.ts'

/** One counter a chain, by chain id: an array look-up on the hot path. The instrument's bound puts late chains under `other`. */
export class ChainCounters {
  readonly #make: (chain: string) => Counter
  readonly #chainName: (chainId: number) => string
  readonly #counters: Counter[] = []

  constructor(
    source: { readonly metrics: Metrics; readonly chainName: (chainId: number) => string },
    name: string,
    labels: Labels = {},
  ) {
    this.#make = (chain) => source.metrics.counter(name, { chain, ...labels })
    this.#chainName = source.chainName
  }

  at(chainId: number): Counter {
    const known = this.#counters[chainId]
    if (known !== undefined) return known
    const counter = this.#make(this.#chainName(chainId))
    // Ids count up, so the array has no holes for long.
    this.#counters[chainId] = counter
    return counter
  }
}
