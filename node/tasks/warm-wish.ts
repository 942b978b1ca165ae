import type { ProposingStrategy, WarmStrategy } from '../../schemas/warm-request.ts'
import { MAX_PAIRS_A_REQUEST, type Priority } from '../../schemas/warm-request.ts'
import type { InvalidField } from '../../src/http/reply.ts'
import type { WarmWish } from '../../src/http/warming-operations.ts'
import type { Caches } from '../options.ts'
import { pairsToWarm } from '../pairs-to-warm.ts'

/** The pairs of one chain that are to be warmed, the surest first. */
export interface Chosen {
  readonly chain: string
  readonly pairs: readonly string[]
  /** Absent for pairs that the caller names. */
  readonly scores?: readonly number[]
  readonly priority: Priority
}

export type Choice =
  | { readonly ok: true; readonly requests: readonly Chosen[] }
  | { readonly ok: false; readonly errors: readonly InvalidField[] }

export interface ChoiceSources {
  readonly caches: Pick<Caches, 'table' | 'tracker' | 'kept' | 'prediction'>
  readonly nowMs: number
  readonly popularLimit: number
  /** A prediction with so much confidence is urgent. */
  readonly sureFrom: number
  /** Leaves out what does not pay unless somebody asks for it. */
  readonly onlyWorthwhile?: boolean
}

interface Scored {
  readonly chain: string
  readonly pair: string
  readonly confidence: number
}

const LIMIT = 100
const LOOK_AHEAD_HOURS = 1
const WINDOW_HOURS = 24

/** Finds the pairs that a wish means, or says which of its fields do not go together. */
export function choose(wish: WarmWish, sources: ChoiceSources): Choice {
  const errors = misplaced(wish)
  if (errors.length > 0) return { ok: false, errors }
  switch (wish.strategy) {
    case 'on_demand':
      return named(wish, sources)
    case 'predictive':
      return following(wish, sources)
    default:
      return { ok: true, requests: byChain(proposed(wish.strategy, wish, sources), wish.strategy, sources) }
  }
}

/** Fields that a strategy needs and lacks, or that would change nothing. */
function misplaced({ strategy, pairs, limit, windowHours, lookAheadHours }: WarmWish): readonly InvalidField[] {
  const isNaming = strategy === 'on_demand' || strategy === 'predictive'
  const goesWith = (field: string, ...strategies: readonly WarmStrategy[]) =>
    strategies.includes(strategy) ? [] : [error(field, `goes with ${strategies.join(', ')}`)]
  if (isNaming && pairs.length === 0) return [error('pairs', `${strategy} needs pairs or instrument_id`)]
  return [
    ...(!isNaming && pairs.length > 0 ? goesWith('pairs', 'on_demand', 'predictive') : []),
    ...(limit !== undefined && strategy === 'on_demand' ? [error('limit', 'does not go with on_demand')] : []),
    ...(windowHours === undefined ? [] : goesWith('window_hours', 'trending')),
    ...(lookAheadHours === undefined ? [] : goesWith('look_ahead_hours', 'time_of_day', 'market_open', 'pattern')),
  ]
}

function error(field: string, detail: string): InvalidField {
  return { pointer: `#/${field}`, detail }
}

function named(wish: WarmWish, { caches: { table } }: ChoiceSources): Choice {
  const chains = chainsOf(wish, table)
  if (!Array.isArray(chains)) return { ok: false, errors: [chains] }
  return { ok: true, requests: chains.map(({ chain, pairs }) => ({ chain, pairs, priority: 'high' })) }
}

interface ChainPairs {
  readonly chain: string
  readonly pairs: readonly string[]
}

/** Without a chain, a pair is meant in each chain in which this node knows it. */
function chainsOf({ chain, pairs }: WarmWish, table: Caches['table']): ChainPairs[] | InvalidField {
  if (chain !== undefined) return [{ chain, pairs }]
  const found = table.chains.map((each) => ({
    chain: each,
    pairs: pairs.filter((pair) => table.find(each, pair) >= 0),
  }))
  const unknown = pairs.find((pair) => !found.some((each) => each.pairs.includes(pair)))
  if (unknown !== undefined)
    return error('chain', `expected a name, got nothing: this node knows no chain with the pair ${unknown}`)
  return found.filter((each) => each.pairs.length > 0)
}

function following(wish: WarmWish, sources: ChoiceSources): Choice {
  const { caches, nowMs } = sources
  const { limit = LIMIT } = wish
  const chains = chainsOf(wish, caches.table)
  if (!Array.isArray(chains)) return { ok: false, errors: [chains] }
  const all = chains.flatMap(({ chain, pairs }) =>
    pairs.flatMap((pair) => pairsToWarm(caches, { chain, pair, nowMs }, { limit })),
  )
  const scored = all.map(({ chain, pair, score }) => ({ chain, pair, confidence: score }))
  return { ok: true, requests: byChain(surest(scored, limit), 'predictive', sources) }
}

function proposed(strategy: ProposingStrategy, wish: WarmWish, sources: ChoiceSources): readonly Scored[] {
  const { limit = strategy === 'popular' ? sources.popularLimit : LIMIT, chain } = wish
  const { lookAheadHours = LOOK_AHEAD_HOURS, windowHours = WINDOW_HOURS } = wish
  // The limit is of one chain's pairs, so that those of others are left out first.
  const most = chain === undefined ? limit : Number.MAX_SAFE_INTEGER
  const { caches, onlyWorthwhile = false } = sources
  const options = { limit: most, lookAheadHours, windowHours, onlyWorthwhile }
  const all = caches.prediction.proposals(strategy, options)
  return surest(chain === undefined ? all : all.filter((each) => each.chain === chain), limit)
}

/** One of each pair, the surest, and at most so many. */
function surest(all: readonly Scored[], limit: number): readonly Scored[] {
  const best = new Map<string, Scored>()
  for (const each of all.toSorted((a, b) => b.confidence - a.confidence)) {
    const key = `${each.chain}\0${each.pair}`
    if (!best.has(key)) best.set(key, each)
  }
  return [...best.values()].slice(0, Math.min(limit, MAX_PAIRS_A_REQUEST))
}

function byChain(scored: readonly Scored[], strategy: WarmStrategy, { sureFrom }: ChoiceSources): readonly Chosen[] {
  const chains = Map.groupBy(scored, ({ chain }) => chain)
  return [...chains].map(([chain, ofChain]) => ({
    chain,
    pairs: ofChain.map(({ pair }) => pair),
    scores: ofChain.map(({ confidence }) => Math.min(1, confidence)),
    priority: priorityOf(strategy, (ofChain[0]?.confidence ?? 0) >= sureFrom),
  }))
}

/** Somebody asks for it, but a guess is not as urgent as named pairs. */
function priorityOf(strategy: WarmStrategy, isSure: boolean): Priority {
  if (strategy === 'predictive') return isSure ? 'high' : 'medium'
  if (strategy === 'market_open') return 'high'
  return strategy === 'time_of_day' || strategy === 'pattern' ? 'medium' : 'low'
}
