import type { Config } from '../../src/config/settings.ts'
import { chosenStrategy, nameOf, ownLimits, type StrategyChoice, usedStrategy } from '../../src/strategy/choice.ts'
import type { OwnStrategy } from '../../src/strategy/own-strategy.ts'
import type { Strategy } from '../../src/strategy/strategy.ts'
import type { Metrics } from '../../src/telemetry/slab.ts'
import { ARMS } from '../../src/warming/arms/arms.ts'
import { askedStrategy, type StrategySight } from '../../src/warming/strategies/asked-strategy.ts'
import type { Faults } from '../faults.ts'
import type { Caches } from '../options.ts'

export function strategyChoice({ warming }: Config): StrategyChoice {
  const { strategy, strategyConfig, adaptiveEnabled, maxPairs, minScore } = warming
  return { strategy, strategyConfig, adaptiveEnabled, maxPairs, minScore }
}

/** The second strategy, which is compared with the first; undefined without one. */
export function secondChoice({ warming }: Config): StrategyChoice | undefined {
  const { strategyB: strategy, strategyBConfig: strategyConfig, adaptiveEnabled } = warming
  if (strategy === undefined) return undefined
  const choice = { strategy, strategyConfig, adaptiveEnabled }
  return { ...choice, ...ownLimits(choice) }
}

/** The strategies of a node: the first, and the second if there is one. `sight`: what one of the user's own sees. */
export function strategiesOf(config: Config, sight: StrategySight): readonly [Strategy, Strategy?] {
  const made = (choice: StrategyChoice) => chosenStrategy(choice, (own, limits) => askedStrategy(own, limits, sight))
  const second = secondChoice(config)
  const first = made(strategyChoice(config))
  return second === undefined ? [first] : [first, made(second)]
}

/** Counts and logs answers that are not taken. */
export function refusalTeller(metrics: Metrics, faults: Pick<Faults, 'strategyRefused'>): StrategySight['onRefused'] {
  return (refusal) => {
    const { strategy, fault: reason } = refusal
    metrics.counter('strategy_answers_refused_total', { strategy, reason }).add(1)
    faults.strategyRefused(refusal)
  }
}

/** Tells strategies apart that have the same name and limits. */
const NUMBERS = new WeakMap<OwnStrategy, number>()
let numbered = 0

function subjectOf({ strategy, ...rest }: StrategyChoice): unknown {
  if (typeof strategy === 'string') return { strategy, ...rest }
  const number = NUMBERS.get(strategy) ?? ++numbered
  NUMBERS.set(strategy, number)
  return { strategy: strategy.name, number, ...rest }
}

type Compared = Pick<Caches, 'arms' | 'comparison' | 'l1' | 'promotion'>

/** Begins to compare two strategies, if a second one is set and anything about the two has changed. */
export function compareStrategies({ arms, comparison, l1, promotion }: Compared, config: Config): void {
  const [first, second] = [strategyChoice(config), secondChoice(config)]
  const share = second === undefined ? 0 : config.warming.strategyBShare
  const subject = JSON.stringify([subjectOf(first), second && subjectOf(second), share])
  if (subject === comparison.subject) return
  arms.share = share
  const names = { a: nameOf(usedStrategy(first)), b: second === undefined ? '' : nameOf(usedStrategy(second)) }
  comparison.restart({ subject, names }, { usage: l1.usage, promotions: promotion })
}

const FIGURES = {
  warming_strategy_accuracy_ratio: 'accuracy',
  warming_strategy_coverage_ratio: 'coverage',
  warming_strategy_l2_reads_per_saved_miss: 'l2ReadsPerSavedMiss',
  warming_strategy_warms_per_update: 'warmsPerUpdate',
} as const

/** A figure that cannot be measured yet, or is not bounded, is not shown. */
export function observeStrategies(metrics: Metrics, { comparison, l1, promotion }: Compared): void {
  const figures = () => comparison.figures({ usage: l1.usage, promotions: promotion })
  for (const [name, figure] of Object.entries(FIGURES))
    for (const arm of ARMS)
      for (const bound of ['value', 'low', 'high'] as const)
        metrics.observe(name, { arm, bound }, () => {
          const value = figures()?.[arm][figure]?.[bound]
          return value !== undefined && Number.isFinite(value) ? value : Number.NaN
        })
}
