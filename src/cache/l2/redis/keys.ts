import { type PairTable, UNKNOWN_PAIR } from '../../names/pair-table.ts'

export interface Grouping {
  /** The first position. */
  readonly from: number
  /** The position after the last. */
  readonly to: number
  readonly limit: number
  /** Whether a group may have pairs of several chains. */
  readonly mixesChains: boolean
}

const ANY_CHAIN = -1

/** What all keys of a service begin with, and no key of another. */
export function keyPrefix(service: string): string {
  return `fw:${service}:`
}

/**
 * Redis keys: `fw:service:{chain}:pair`. The braces are literal. They make the chain a hash tag: all keys of a chain lie
 * in one cluster slot, so that one MGET or one function call serves them. Only `}` and `%` in the chain are escaped
 * (`%7D`, `%25`), because a brace in it would end the tag early, and two pairs could meet under one key. The name of a
 * service has no colon or brace. The part before the pair is kept and the key is put together for each use: a million
 * finished keys would take more memory than the prices.
 */
export class PairKeys {
  readonly #table: PairTable
  readonly #service: string
  readonly #prefixes: string[] = []

  constructor(table: PairTable, service: string) {
    this.#table = table
    this.#service = service
  }

  keyOf(pairId: number): string {
    return this.#prefixOf(this.#table.chainOf(pairId)) + this.#table.pairName(pairId)
  }

  /** Groups positions by chain, or in their order if chains may be mixed; no group is longer than `limit`. */
  group(pairIds: ArrayLike<number>, { from, to, limit, mixesChains }: Grouping): number[][] {
    const groups: number[][] = []
    const open = new Map<number, number[]>()
    for (let position = from; position < to; position++) {
      const chainId = mixesChains ? ANY_CHAIN : this.#table.chainOf(pairIds[position] as number)
      let group = open.get(chainId)
      if (group === undefined || group.length >= limit) {
        group = []
        open.set(chainId, group)
        groups.push(group)
      }
      group.push(position)
    }
    return groups
  }

  /** The pair of a key; UNKNOWN_PAIR if it is none that this node knows. */
  pairOf(key: string): number {
    const chainAt = keyPrefix(this.#service).length + 1
    const end = key.indexOf('}:', chainAt)
    if (end < 0 || !key.startsWith(`${keyPrefix(this.#service)}{`)) return UNKNOWN_PAIR
    const chain = key.slice(chainAt, end).replaceAll('%7D', '}').replaceAll('%25', '%')
    return this.#table.find(chain, key.slice(end + 2))
  }

  /** The hash of stamps, the key that exists while somebody reads them, and the topics that are one source; in a cluster for each chain. */
  stampsOf(chainId: number | undefined): readonly [hash: string, readers: string, joined: string] {
    const hash = chainId === undefined ? `${keyPrefix(this.#service)}{stamps}` : this.#prefixOf(chainId).slice(0, -1)
    return [hash, `${hash}readers`, `${hash}joined`]
  }

  forgetChain(chainId: number): void {
    delete this.#prefixes[chainId]
  }

  #prefixOf(chainId: number): string {
    const known = this.#prefixes[chainId]
    if (known !== undefined) return known
    const chain = this.#table.chainName(chainId).replaceAll('%', '%25').replaceAll('}', '%7D')
    const prefix = `${keyPrefix(this.#service)}{${chain}}:`
    this.#prefixes[chainId] = prefix
    return prefix
  }
}
