import { fieldWords, ownLimits, type StrategyFields } from '../../strategy/choice.ts'
import { STRATEGY_LIMITS, STRATEGY_NAMES, type StrategyName } from '../../strategy/named.ts'
import { isOwnStrategy, type OwnStrategy } from '../../strategy/own-strategy.ts'
import { type Check, decimal, integer, jsonObject, oneOf } from '../check.ts'
import { type Default, fixed, onOff, optional, setting } from '../setting.ts'

const STRATEGY_ALIASES = { topn: 'top-n', timebased: 'time-based', time_based: 'time-based' } as const

function byStrategy(limit: 'maxPairs' | 'minScore'): Default<number> {
  const words = STRATEGY_NAMES.map((name) => `${STRATEGY_LIMITS[name][limit]} (${name})`).join(', ')
  return {
    kind: 'derived',
    words: `WARMING_STRATEGY_CONFIG’s, or ${words}`,
    of: (chosen) => {
      const value = chosen('WARMING_STRATEGY')
      const named = STRATEGY_NAMES.find((name) => name === value) ?? 'forewarm'
      const strategy = isOwnStrategy(value) ? value : named
      const strategyConfig: StrategyFields = chosen('WARMING_STRATEGY_CONFIG') ?? {}
      const adaptiveEnabled = chosen('FEATURE_ADAPTIVE_STRATEGY_ENABLED') !== false
      return ownLimits({ strategy, strategyConfig, adaptiveEnabled })[limit]
    },
  }
}

const NAMED = oneOf(STRATEGY_NAMES, STRATEGY_ALIASES)
/** Only code can pass a strategy of its own. */
const STRATEGY: Check<StrategyName | OwnStrategy> = {
  allowed: `${NAMED.allowed}; in code, also a strategy of your own`,
  parse: (input, readFile) => (isOwnStrategy(input) ? input : NAMED.parse(input, readFile)),
}
const FIELDS = jsonObject<StrategyFields>(
  `a JSON object with fields of the strategy: ${STRATEGY_NAMES.map((name) => `${fieldWords(name)} (${name})`).join('; ')}`,
)

/** What decides which pairs are worth warming. */
export const STRATEGY_SETTINGS = {
  strategy: setting({
    name: 'WARMING_STRATEGY',
    check: STRATEGY,
    default: fixed<StrategyName | OwnStrategy>('forewarm'),
    doc: 'The strategy that decides which pairs are worth warming.',
  }),
  strategyConfig: optional({
    name: 'WARMING_STRATEGY_CONFIG',
    check: FIELDS,
    doc: 'The strategy’s own values, for example `{"topN":3,"minScore":0.4}` for top-n. Where WARMING_MAX_PAIRS or WARMING_MIN_SCORE is set too, the stricter value counts.',
  }),
  adaptiveEnabled: onOff(
    'FEATURE_ADAPTIVE_STRATEGY_ENABLED',
    true,
    'Off: where WARMING_STRATEGY is adaptive, top-n is used with its own limits, and a line at start says so.',
  ),
  maxPairs: setting({
    name: 'WARMING_MAX_PAIRS',
    check: integer(1, 1000),
    default: byStrategy('maxPairs'),
    doc: 'The most pairs that one update may warm.',
  }),
  minScore: setting({
    name: 'WARMING_MIN_SCORE',
    check: decimal(0, 1),
    default: byStrategy('minScore'),
    doc: 'A pair is warmed only if the probability that it is read, from 0 to 1, is at least this.',
  }),
  strategyB: optional({
    name: 'WARMING_STRATEGY_B',
    check: STRATEGY,
    doc: 'A second strategy that is compared with the first while the node runs. It serves WARMING_STRATEGY_B_SHARE of the triggers.',
  }),
  strategyBConfig: optional({
    name: 'WARMING_STRATEGY_B_CONFIG',
    check: FIELDS,
    doc: 'The second strategy’s own values. Its limits come from here or from its name, not from WARMING_MAX_PAIRS and WARMING_MIN_SCORE.',
  }),
  strategyBShare: setting({
    name: 'WARMING_STRATEGY_B_SHARE',
    check: decimal(0, 1),
    default: fixed(0.5),
    doc: 'The share of the triggers that the second strategy serves. A hash of chain and pair decides, so that a trigger keeps its strategy on all nodes.',
  }),
}
