import { HORIZON_PARTS } from '../cache/residency.ts'
import { STRATEGY_LIMITS } from '../config/settings.ts'
import { Confidence } from '../correlation/confidence.ts'
import { MAX_CANDIDATES, ReadBack } from '../correlation/read-back.ts'
import { type StrategyName, strategyNamed } from '../strategy/named.ts'
import type { Candidate } from '../strategy/strategy.ts'
import type { AccessTrace } from './access-trace.ts'
import { Busiest } from './busiest.ts'
import { mulberry32 } from './mulberry32.ts'
import type { Tally } from './tally.ts'
import { type BaselineName, isBaseline, type WarmingName } from './warmings.ts'

/** What is warmed after the access number `at`, of `pairId`. An access triggers, and a warm takes no time. */
export type AccessWarming = (pairId: number, at: number) => void

export interface AccessWarmingOptions {
  readonly trace: AccessTrace
  readonly tally: Tally
  readonly seed: number
}

export function accessWarming(name: WarmingName, options: AccessWarmingOptions): AccessWarming {
  if (isBaseline(name)) return baseline(name, options)
  return name === 'forewarm' ? readBack(options) : chosenBy(name, options)
}

function baseline(name: BaselineName, { trace, tally, seed }: AccessWarmingOptions): AccessWarming {
  const { accesses, keys } = trace
  switch (name) {
    case 'none':
      return () => undefined
    case 'busiest': {
      const busiest = new Busiest({ pairs: keys, limit: tally.policy.warmLimit, tally })
      return (pairId) => busiest.read(pairId)
    }
    case 'random': {
      const random = mulberry32(seed)
      const { maxPairs } = STRATEGY_LIMITS.forewarm
      return () => {
        for (let i = 0; i < maxPairs; i++) tally.warm(Math.floor(random() * keys))
      }
    }
    case 'oracle':
      return (_, at) => {
        if (at + 1 < accesses.length) tally.warm(accesses[at + 1] as number)
      }
  }
}

/** The strategy `forewarm` as a node runs it: without an object a candidate. */
function readBack(options: AccessWarmingOptions): AccessWarming {
  const { tally } = options
  const { maxPairs, minScore } = STRATEGY_LIMITS.forewarm
  const limit = Math.min(maxPairs, Math.max(1, tally.policy.warmLimit))
  const back = newReadBack(options, { threshold: minScore, limit })
  const isAtHand = (pairId: number): boolean => tally.policy.has(pairId)
  return (pairId) => {
    back.read(pairId, isAtHand)
    // Warms leave in the order in which they came: the likeliest come last.
    for (let i = back.count - 1; i >= 0; i--) tally.warm(back.pairIds[i] as number)
  }
}

/** Any strategy, on the same candidates. */
function chosenBy(name: StrategyName, options: AccessWarmingOptions): AccessWarming {
  const { tally } = options
  const strategy = strategyNamed(name, STRATEGY_LIMITS[name])
  const back = newReadBack(options, { threshold: 0, limit: MAX_CANDIDATES })
  const isAtHand = (pairId: number): boolean => tally.policy.has(pairId)
  return (read) => {
    back.read(read, isAtHand)
    if (back.count === 0) return
    const candidates: Candidate[] = []
    for (let i = 0; i < back.count; i++)
      candidates.push({ pairId: back.pairIds[i] as number, score: back.scores[i] as number, lagMs: 0 })
    const { warms, warmsUsed } = tally.counts
    const evidence = { used: warmsUsed, unused: warms - warmsUsed, hitRatio: tally.hitRatio }
    const { selected } = strategy.select(candidates, evidence)
    for (const { pairId } of selected.slice(0, tally.policy.warmLimit).reverse()) tally.warm(pairId)
  }
}

function newReadBack(
  { trace, tally }: AccessWarmingOptions,
  { threshold, limit }: { readonly threshold: number; readonly limit: number },
): ReadBack {
  const horizon = Math.max(1, tally.policy.warmLimit) * HORIZON_PARTS
  const confidence = new Confidence({ maxPairs: trace.keys, horizon })
  return new ReadBack({ maxPairs: trace.keys, confidence, threshold, limit })
}
