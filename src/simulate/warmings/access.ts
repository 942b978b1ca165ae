import { indexOfWarmKind, warmCostOf, warmsOf } from '../../cache/l1/usage.ts'
import { defaultConfig } from '../../config/load.ts'
import { STRATEGY_LIMITS, type StrategyName } from '../../strategy/named.ts'
import { NextReads } from '../../warming/next-reads.ts'
import { mulberry32 } from '../mulberry32.ts'
import { SimulationError } from '../simulation-error.ts'
import type { Tally } from '../tally.ts'
import type { AccessTrace } from '../traffic/access-trace.ts'
import { Busiest } from './busiest.ts'
import { type BaselineName, isBaseline, type WarmingName } from './warmings.ts'

const PREDICTION = indexOfWarmKind('prediction')

/** Warms what follows access number `at`, which is of `pairId`. A warm takes no time. */
export type AccessWarming = (pairId: number, at: number) => void

export interface AccessWarmingOptions {
  readonly trace: AccessTrace
  readonly tally: Tally
  readonly seed: number
}

export function accessWarming(name: WarmingName, options: AccessWarmingOptions): AccessWarming {
  if (isBaseline(name)) return baseline(name, options)
  if (name === 'own') throw new SimulationError('bad-option', 'the warming own is for price updates')
  return nextReads(name, options)
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

/** The warming that `createWarming` runs beside a cache. */
function nextReads(strategy: StrategyName, { trace, tally }: AccessWarmingOptions): AccessWarming {
  const { usage } = tally.policy
  const next = new NextReads({
    strategy,
    maxPairs: trace.keys,
    maxTracked: defaultConfig().correlation.maxTrackedPairs,
    warmLimit: tally.policy.warmLimit,
    cache: tally.policy,
    evidence: () => {
      const { used, unused } = warmsOf(tally, 'prediction')
      return { used, unused, hitRatio: tally.hitRatio }
    },
    cost: usage && (() => warmCostOf(usage)),
  })
  return (pairId) => {
    next.after(pairId)
    for (let i = 0; i < next.count; i++) tally.warm(next.pairIds[i] as number, PREDICTION)
  }
}
