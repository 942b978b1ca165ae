import { enlarged } from '../../schemas/enlarged.ts'
import type { Arrivals } from '../cache/freshness/arrivals.ts'
import type { PairTable } from '../cache/names/pair-table.ts'

/**
 * The pairs that concern this node: those whose updates arrive here, which its detectors may read at any time, and the
 * others that its detectors have read. A pair without updates concerns the nodes that get updates of its chain.
 */
export class Interest {
  readonly #table: PairTable
  readonly #arrivals: Pick<Arrivals, 'follows'>
  /** 1 for a pair that was read here, by pair id. */
  #read = new Uint8Array(1024)

  constructor(table: PairTable, arrivals: Pick<Arrivals, 'follows'>) {
    this.#table = table
    this.#arrivals = arrivals
    table.keep({
      forget: (pairId) => {
        this.#read[pairId] = 0
      },
    })
  }

  read(pairId: number): void {
    if (pairId >= this.#read.length) this.#read = enlarged(this.#read, new Uint8Array(pairId * 2))
    this.#read[pairId] = 1
  }

  includes(chain: string, pair: string): boolean {
    const pairId = this.#table.find(chain, pair)
    return this.#read[pairId] === 1 || this.#arrivals.follows(pairId, this.#table.findChain(chain))
  }
}
