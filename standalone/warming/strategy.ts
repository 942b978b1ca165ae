import type { StrategyFields } from '../../src/strategy/choice.ts'
import { STRATEGY_LIMITS, type StrategyName, strategyNamed } from '../../src/strategy/named.ts'
import type { OwnStrategy } from '../../src/strategy/own-strategy.ts'
import type { Candidate, Evidence, Strategy } from '../../src/strategy/strategy.ts'
import type { NextReadsOptions } from '../../src/warming/next-reads.ts'
import type { LikelyPair } from './following.ts'
import { changedConfig, type WarmerChanges, type WarmerConfig, warmerConfigOf } from './warmer-config.ts'

export interface ChosenStrategyOptions {
  readonly strategy: StrategyName | OwnStrategy
  readonly fields: StrategyFields | undefined
  /** The same strategy as it is asked. */
  readonly askable: NextReadsOptions['strategy']
  readonly given: WarmerChanges
  readonly evidence: () => Evidence
  /** The time since the pair's own last update. */
  readonly movedAgoMs: (pairId: number) => number
  readonly onChange: (config: WarmerConfig) => void
}

/** What a warming goes by: its strategy, and the limits that `updateConfig` changes. */
export class ChosenStrategy {
  readonly #options: ChosenStrategyOptions
  readonly #defaults: WarmerConfig
  #isChoosing = false
  #config: WarmerConfig
  #strategy: Strategy

  constructor(options: ChosenStrategyOptions) {
    this.#options = options
    this.#defaults = warmerConfigOf(options.strategy, options.fields)
    this.#config = changedConfig(this.#defaults, options.given)
    this.#strategy = this.#made()
  }

  get config(): WarmerConfig {
    return this.#config
  }

  update(changes: WarmerChanges): WarmerConfig {
    const before = this.#config
    this.#config = changedConfig(this.#defaults, before, changes)
    const { maxPairsPerWarm, minCorrelationScore } = this.#config
    if (maxPairsPerWarm === before.maxPairsPerWarm && minCorrelationScore === before.minCorrelationScore)
      return this.#config
    // A strategy with other limits begins anew; with the same ones it keeps what it has learned.
    this.#strategy = this.#made()
    this.#options.onChange(this.#config)
    return this.#config
  }

  /** The followers that are worth warming, best first. */
  choose(followers: readonly LikelyPair[]): readonly Candidate[] {
    // A strategy that warms while it is asked would be asked for that, too, and so on.
    if (this.#isChoosing) return []
    this.#isChoosing = true
    try {
      return this.#chosen(followers)
    } finally {
      this.#isChoosing = false
    }
  }

  #chosen(followers: readonly LikelyPair[]): readonly Candidate[] {
    const candidates = followers.map(({ pairId, score, lagMs = 0, kind }): Candidate => {
      const movedAgoMs = this.#options.movedAgoMs(pairId)
      return { pairId, score, lagMs, kind: kind === 'read' ? 'correlation' : 'prediction', movedAgoMs }
    })
    const { selected, next } = this.#strategy.select(candidates, this.#options.evidence())
    if (next !== undefined) this.#strategy = next
    return selected.slice(0, this.#config.maxPairsPerWarm)
  }

  #made(): Strategy {
    const { askable } = this.#options
    const { maxPairsPerWarm: maxPairs, minCorrelationScore } = this.#config
    const limits = { maxPairs, minScore: minCorrelationScore ?? STRATEGY_LIMITS.forewarm.minScore }
    return typeof askable === 'string' ? strategyNamed(askable, limits) : askable(limits)
  }
}
