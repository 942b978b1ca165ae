import type { LeaderName } from '../../../schemas/correlations/leader-record.ts'
import type { PairNames } from '../../../src/correlation/kept/leader-record.ts'

/** Names and ids as a node's table has them, with room for so many pairs. */
export class Names implements PairNames {
  readonly #names: LeaderName[] = []
  readonly #room: number

  constructor(room = Number.POSITIVE_INFINITY) {
    this.#room = room
  }

  namesOf(pairId: number): LeaderName {
    return this.#names[pairId] ?? { chain: '', pair: '' }
  }

  idOf(chain: string, pair: string): number {
    const known = this.#names.findIndex((name) => name.chain === chain && name.pair === pair)
    if (known >= 0) return known
    return this.#names.length >= this.#room ? -1 : this.#names.push({ chain, pair }) - 1
  }
}
