import type { PairTable } from '../../names/pair-table.ts'

/**
 * Redis keys: `fw:{chain}:pair`. The braces are literal. They make the chain a hash tag: all keys of a chain lie in one
 * cluster slot, so that one MGET or one function call serves them. Only `}` and `%` in the chain are escaped (`%7D`,
 * `%25`), because a brace in it would end the tag early, and two pairs could meet under one key. The part of the chain is
 * kept and the key is put together for each use: a million finished keys would take more memory than the prices.
 */
export class PairKeys {
  readonly #table: PairTable
  readonly #prefixes: string[] = []

  constructor(table: PairTable) {
    this.#table = table
  }

  keyOf(pairId: number): string {
    return this.#prefixOf(this.#table.chainOf(pairId)) + this.#table.pairName(pairId)
  }

  /** Groups the positions `from` (inclusive) to `to` (exclusive) by chain; no group is longer than `limit`. */
  groupByChain(
    pairIds: ArrayLike<number>,
    range: { readonly from: number; readonly to: number; readonly limit: number },
  ) {
    const groups: number[][] = []
    const open = new Map<number, number[]>()
    for (let position = range.from; position < range.to; position++) {
      const chainId = this.#table.chainOf(pairIds[position] as number)
      let group = open.get(chainId)
      if (group === undefined || group.length >= range.limit) {
        group = []
        open.set(chainId, group)
        groups.push(group)
      }
      group.push(position)
    }
    return groups
  }

  #prefixOf(chainId: number): string {
    const known = this.#prefixes[chainId]
    if (known !== undefined) return known
    const prefix = `fw:{${this.#table.chainName(chainId).replaceAll('%', '%25').replaceAll('}', '%7D')}}:`
    this.#prefixes[chainId] = prefix
    return prefix
  }
}
