import { STRATEGY_LIMITS } from '../../strategy/named.ts'
import { mulberry32 } from '../mulberry32.ts'
import { SimulationError } from '../simulation-error.ts'
import { AttributedWarming } from './attributed.ts'
import { Busiest } from './busiest.ts'
import { MinedWarming } from './mined.ts'
import type { PriceWarming, PriceWarmingOptions } from './price.ts'
import { type BaselineName, isBaseline, type WarmingName } from './warmings.ts'

export function priceWarming(name: WarmingName, options: PriceWarmingOptions): PriceWarming {
  if (isBaseline(name)) return baseline(name, options)
  const strategy = name === 'own' ? options.own : name
  if (strategy === undefined)
    throw new SimulationError('bad-option', 'expected a strategy for the warming own, got none')
  return options.attribution === 'on' ? new AttributedWarming(strategy, options) : new MinedWarming(strategy, options)
}

/** Warms of a baseline take no time, so that it does not look worse than it is. */
function baseline(name: BaselineName, { tape, tally, seed }: PriceWarmingOptions): PriceWarming {
  switch (name) {
    case 'none':
      return {}
    case 'busiest': {
      const busiest = new Busiest({ pairs: tape.pairs, limit: tally.policy.warmLimit, tally })
      return {
        afterReads: (_, pairIds) => {
          for (const pairId of pairIds) busiest.read(pairId)
        },
      }
    }
    case 'random': {
      const random = mulberry32(seed)
      const { maxPairs } = STRATEGY_LIMITS.forewarm
      return {
        update: () => {
          for (let i = 0; i < maxPairs; i++) tally.warm(Math.floor(random() * tape.pairs))
        },
      }
    }
    case 'oracle':
      // One by one: if an update's reads do not all fit, the first would be evicted before its turn.
      return { beforeRead: (pairId) => tally.warm(pairId) }
  }
}
