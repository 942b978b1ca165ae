import type { Counter, Labels, Metrics } from './slab.ts'

/** A counter for each chain, by chain id: the hot path looks it up in an array. Late chains share `other`. */
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

  /** The chain's id goes to another chain. */
  forget(chainId: number): void {
    delete this.#counters[chainId]
  }

  at(chainId: number): Counter {
    const known = this.#counters[chainId]
    if (known !== undefined) return known
    const counter = this.#make(this.#chainName(chainId))
    // Ids count up, so holes in the array are soon filled.
    this.#counters[chainId] = counter
    return counter
  }
}
