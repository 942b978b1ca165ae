import { checkedName } from '../../../schemas/price-object.ts'
import type { PriceUpdate } from '../../../schemas/price-update.ts'
import type { Clock } from '../../clock.ts'
import { monotonicMs } from '../../monotonic.ts'
import { type CachedPrice, emptyPrice, extraOf } from '../cached-price.ts'
import type { FirstLevel } from '../l1/first-level.ts'
import type { L2, L2Load } from '../l2/l2.ts'
import type { WriteBehind } from '../l2/write-behind.ts'
import type { L3 } from '../l3/l3.ts'
import type { PairName } from '../names/id-holders.ts'
import type { PairTable } from '../names/pair-table.ts'
import { sourceName } from '../sources/codes.ts'
import { decidedNow } from '../sources/decided.ts'
import { FOLLOWS, type Sources, UNKNOWN_SOURCE } from '../sources/sources.ts'
import type { Arrivals } from './arrivals.ts'

export interface SightOptions {
  readonly table: PairTable
  readonly l1: Pick<FirstLevel, 'peek' | 'floor'>
  readonly l2: Pick<L2, 'load'>
  readonly l3: Pick<L3, 'load'> | undefined
  readonly writeBehind: Pick<WriteBehind, 'pending'>
  readonly sources: Sources
  readonly arrivals: Pick<Arrivals, 'hasAll'>
  readonly clock: Clock
  /** Milliseconds of the clock of the sources' moments. */
  readonly monotonic?: () => number
}

/** What a node knows of a pair's price. To look is no demand read: nothing is counted, fetched into L1 or learnt. */
export type PriceSight = SeenPrice | UnseenPrice

/** Numbers that the update did not have are absent. */
export interface SeenPrice extends Follower, Omit<PriceUpdate, 'group' | 'sequence'> {
  readonly status: 'found'
  readonly ageMs: number
  /** Null if it is not known. */
  readonly behindMs: number | null
  readonly version: number
  /** The fastest level that has it. */
  readonly level: 'L1' | 'L2' | 'L3'
}

export interface UnseenPrice extends Pick<Follower, 'kind'> {
  /** `unavailable`: a level that may have it is away. */
  readonly status: 'missing' | 'unavailable' | 'bad-name'
  readonly reason: string
}

/** Who gets the pair's updates. */
interface Follower {
  /** This node, other nodes, or nobody knows. */
  readonly kind: 'followed' | 'foreign' | 'unknown'
  /** The topic and the partition that the value came from; null if they are not known. */
  readonly source: string | null
}

/** Asks the levels one after the other. Never rejects. */
export async function priceSight(options: SightOptions, chain: string, pair: string): Promise<PriceSight> {
  const against = checkedName(chain, 'chain') ?? checkedName(pair, 'pair')
  if (against !== undefined) return { status: 'bad-name', kind: 'unknown', reason: against.detail }
  const { table } = options
  // L2 is asked by id.
  const pairId = table.ask(chain, pair)
  if (pairId < 0)
    return { status: 'unavailable', kind: 'unknown', reason: 'the node knows as many pairs as it can: MAX_PAIRS' }
  return table.holds.during([pairId], () => sightOf(options, pairId, { chain, pair }))
}

async function sightOf(options: SightOptions, pairId: number, name: PairName): Promise<PriceSight> {
  const { l1, l2, l3, writeBehind, arrivals } = options
  const seen = (level: SeenPrice['level'], price: Readonly<CachedPrice>): SeenPrice => ({
    ...{
      status: 'found',
      ...name,
      ...numbersOf(price),
      ...extrasOf(price),
      ...timesOf(options, decidedNow(price, options.sources)),
      level,
    },
    ...followerOf(options.sources, price),
  })
  const price = emptyPrice()
  if (l1.peek(pairId, price)) return seen('L1', price)
  // On its way to L2.
  if (writeBehind.pending(pairId, price) && price.version >= l1.floor(pairId)) return seen('L2', price)
  // Without a value, only updates that have come here tell whose the pair is.
  const kind = arrivals.hasAll(pairId) ? 'followed' : 'unknown'
  let reason = 'no level has it'
  for (const [level, load] of [
    ['L2', await l2.load([pairId])],
    ['L3', await l3?.load([pairId])],
  ] as const) {
    if (load === undefined) continue
    const away = awayReason(load)
    if (away !== undefined) return { status: 'unavailable', kind, reason: `${level} is away: ${away}` }
    const row = load.status === 'loaded' ? load.rows[0] : undefined
    if (row === undefined) continue
    if (row.version >= l1.floor(pairId)) return seen(level, row)
    reason = `${level} has a value that is older than what this node has had, or deleted`
  }
  return { status: 'missing', kind, reason }
}

function awayReason(load: L2Load): string | undefined {
  if (load.status === 'unavailable') return load.reason
  return load.unknown?.has(0) ? 'the part that would know it does not answer' : undefined
}

function numbersOf({ price, bid, ask, reserve0, reserve1, liquidity }: Readonly<CachedPrice>) {
  const others = Object.entries({ bid, ask, reserve0, reserve1, liquidity }).filter(([, value]) => !Number.isNaN(value))
  return { price, ...Object.fromEntries(others) }
}

function extrasOf(price: Readonly<CachedPrice>): Pick<PriceUpdate, 'extra'> {
  const extra = extraOf(price)
  return extra === undefined ? {} : { extra }
}

function timesOf({ clock, sources, monotonic = monotonicMs }: SightOptions, price: Readonly<CachedPrice>) {
  const { eventTimeMs, version, source, asOfMs } = price
  const behindMs = Math.max(0, monotonic() - (asOfMs === FOLLOWS ? sources.asOf(source) : asOfMs))
  return {
    eventTimeMs,
    ageMs: clock.now() - eventTimeMs,
    behindMs: Number.isFinite(behindMs) ? behindMs : null,
    version,
  }
}

function followerOf(sources: Sources, { source }: Readonly<CachedPrice>): Follower {
  const known = source === UNKNOWN_SOURCE ? undefined : sources.at(source)
  if (known === undefined) return { kind: 'unknown', source: null }
  return { kind: sources.isFollowed(source) ? 'followed' : 'foreign', source: sourceName(known) }
}
