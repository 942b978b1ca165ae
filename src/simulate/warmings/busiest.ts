import type { Tally } from '../tally.ts'

/** The fewest reads between two rankings. With many pairs there are more: ranking would take all the time otherwise. */
const MIN_PERIOD_READS = 1_000

/** Warms the pairs read most so far, again and again. This needs no knowledge of which read follows which. */
export class Busiest {
  readonly #tally: Tally
  readonly #limit: number
  readonly #period: number
  readonly #reads: Uint32Array
  readonly #ranking: Int32Array
  #sinceRanked = 0

  constructor({ pairs, limit, tally }: { readonly pairs: number; readonly limit: number; readonly tally: Tally }) {
    this.#tally = tally
    this.#limit = limit
    this.#period = Math.max(MIN_PERIOD_READS, pairs)
    this.#reads = new Uint32Array(pairs)
    this.#ranking = Int32Array.from({ length: pairs }, (_, pairId) => pairId)
  }

  read(pairId: number): void {
    this.#reads[pairId] = (this.#reads[pairId] as number) + 1
    this.#sinceRanked++
    if (this.#sinceRanked < this.#period) return
    this.#sinceRanked = 0
    this.#ranking.sort((a, b) => (this.#reads[b] as number) - (this.#reads[a] as number) || a - b)
    for (const busy of this.#ranking.subarray(0, this.#limit)) if (this.#reads[busy] !== 0) this.#tally.warm(busy)
  }
}
