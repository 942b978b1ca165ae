import type { PriceUpdate } from '../../../schemas/price-update.ts'
import { zipf } from './zipf.ts'

/**
 * A made-up market for demonstrations. Pairs belong to groups, and some groups are busier than others by Zipf's law. Pure,
 * except for the random numbers that it is given.
 */
export interface MarketOptions {
  readonly chains: readonly string[]
  readonly groupsPerChain: number
  readonly pairsPerGroup: number
  /** Returns 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number
}

export interface Market {
  readonly pairCount: number
  /** The next update, at the given time in milliseconds since the epoch. */
  next(eventTimeMs: number): PriceUpdate
  /** The other pairs of the pair's group, in a fixed order. */
  siblings(pair: string): readonly string[]
}

interface Listing {
  readonly chain: string
  readonly group: string
  readonly pair: string
  mid: number
}

/** A price moves by up to half of this share of itself. */
const STEP = 0.002
const SPREAD = 0.0005

export function createMarket(options: MarketOptions): Market {
  const { chains, groupsPerChain, pairsPerGroup, random } = options
  const groups: Listing[][] = []
  const groupOf = new Map<string, Listing[]>()
  for (let g = 0; g < groupsPerChain; g++) {
    for (const chain of chains) {
      const group = `${chain}-${g}`
      const listings = Array.from({ length: pairsPerGroup }, (_, p) => ({
        chain,
        group,
        pair: `T${g}.${p}/USDC@${chain}`,
        mid: 1 + random() * 1000,
      }))
      groups.push(listings)
      for (const { pair } of listings) groupOf.set(pair, listings)
    }
  }
  const pickGroup = zipf(groups.length, random)
  return {
    pairCount: groups.length * pairsPerGroup,
    siblings: (pair) => (groupOf.get(pair) ?? []).map((listing) => listing.pair).filter((other) => other !== pair),
    next(eventTimeMs) {
      const group = groups[pickGroup()] as Listing[]
      const listing = group[Math.floor(random() * group.length)] as Listing
      listing.mid *= 1 + (random() - 0.5) * STEP
      const { chain, pair, mid } = listing
      return {
        pair,
        chain,
        price: mid,
        bid: mid * (1 - SPREAD),
        ask: mid * (1 + SPREAD),
        group: listing.group,
        eventTimeMs,
      }
    },
  }
}
