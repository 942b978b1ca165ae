import type { ProposingStrategy } from '../../schemas/warm-request.ts'
import { indexOfWarmKind, type WarmKind, warmsOf } from '../../src/cache/l1/usage.ts'
import { absenceWithoutId } from '../../src/cache/price-reads.ts'
import { assertOptions } from '../../src/config/options.ts'
import type { NextReads } from '../../src/warming/next-reads.ts'
import type { OpenedCache } from '../levels.ts'
import { assertName, assertNames } from '../names.ts'
import type { Analyzer } from './analyzer.ts'
import { likelyAfter } from './following.ts'
import type { Operations } from './operations.ts'
import type { NamedPredictor, PredictedPair, ProposedOptions } from './predictor.ts'
import type { CacheWarmerStats, WarmRefused, WarmReport } from './report.ts'
import type { RolledOut } from './rollout.ts'
import type { ChosenStrategy } from './strategy.ts'
import { assertWarmerConfig, type WarmerChanges, type WarmerConfig } from './warmer-config.ts'

/**
 * Loads pairs into L1 before they are read. The promise of a warm never rejects: its report tells what went wrong. Wrong use
 * throws a ForewarmError 'bad-value' at once, such as a pair that is no text or an option that is not allowed.
 */
export interface CacheWarmer {
  /**
   * Warms what follows the pair's updates and reads, as the strategy chooses, with one trip to L2. The caller is handling an
   * update of the pair, or has read it. In shadow nothing is loaded.
   */
  warmForPair(pair: string): Promise<WarmReport>
  /** Warms these pairs. */
  warmPairs(pairs: readonly string[]): Promise<WarmReport>
  /** Warms the pairs that are read most. */
  warmPopular(options?: { readonly limit?: number }): Promise<WarmReport>
  /** Warms the pairs that were read more in the last `windowHours` (default: 24) than before. */
  warmTrending(options?: { readonly windowHours?: number; readonly limit?: number }): Promise<WarmReport>
  /** Warms the pairs that are usually read in the next `lookAheadHours` (default: 1) of the day. */
  warmTimeOfDay(options?: { readonly lookAheadHours?: number; readonly limit?: number }): Promise<WarmReport>
  /** Warms the pairs that are likely to be read after these. */
  warmPredicted(currentPairs: readonly string[], options?: { readonly limit?: number }): Promise<WarmReport>
  getStats(): CacheWarmerStats
  /**
   * Changes what the warming goes by, from the next read on. A value of `undefined` is that of the default. Throws a
   * ForewarmError 'bad-value' that names every fault; then nothing has changed.
   */
  updateConfig(changes: WarmerChanges): WarmerConfig
  getConfig(): WarmerConfig
}

export interface WarmerParts {
  readonly parts: OpenedCache
  readonly rollout: RolledOut
  readonly operations: Operations
  readonly analyzer: Analyzer
  readonly next: NextReads
  readonly predictor: NamedPredictor
  readonly strategy: ChosenStrategy
  readonly pairsNotAsked: () => number
}

export class PairWarmer implements CacheWarmer {
  readonly #with: WarmerParts

  constructor(parts: WarmerParts) {
    this.#with = parts
  }

  warmForPair(pair: string): Promise<WarmReport> {
    assertName('warmForPair', pair)
    return this.#warmFor(pair)
  }

  async #warmFor(pair: string): Promise<WarmReport> {
    const { parts, operations, analyzer, next, strategy } = this.#with
    const { table, shadow } = parts.caches
    const pairId = table.ask(parts.chain, pair)
    const refusal = this.#refusalFor(pairId)
    if (refusal !== undefined) return operations.refused(0, refusal, pair)
    const { minCorrelationScore = 0, timeoutMs } = strategy.config
    const known = { tracker: analyzer.tracker, next }
    const chosen = strategy.choose(pairId < 0 ? [] : likelyAfter(known, pairId, minCorrelationScore))
    if (chosen.length === 0) return operations.idle(0, pair)
    const pairIds = chosen.map((each) => each.pairId)
    // As few pairs as a warm has are found sooner in a list than in a map.
    const warmKindOf = (id: number) => chosen.find((each) => each.pairId === id)?.kind ?? 'prediction'
    if (shadow.parts !== undefined) {
      shadow.parts.l1.warm(pairIds, (id) => indexOfWarmKind(warmKindOf(id)), timeoutMs)
      return operations.idle(pairIds.length, pair)
    }
    const first = warmKindOf(pairIds[0] as number)
    const operation = { pairIds, kindOf: warmKindOf, attempted: pairIds.length, timeoutMs, strategy: first }
    return table.holds.during(pairIds, () => operations.warm({ ...operation, sourcePair: pair }))
  }

  warmPairs(pairs: readonly string[]): Promise<WarmReport> {
    assertNames('warmPairs', pairs)
    return this.#warmNamed(pairs, 'manual')
  }

  warmPopular(options: { readonly limit?: number } = {}): Promise<WarmReport> {
    assertOptions('warmPopular', options, { limit: true })
    return this.#warmFound(this.#with.predictor.popular(options.limit), 'popular')
  }

  warmTrending(options: { readonly windowHours?: number; readonly limit?: number } = {}): Promise<WarmReport> {
    return this.#warmFound(this.#with.predictor.trending(options), 'trending')
  }

  warmTimeOfDay(options: { readonly lookAheadHours?: number; readonly limit?: number } = {}): Promise<WarmReport> {
    return this.#warmFound(this.#with.predictor.timeOfDay(options), 'time_of_day')
  }

  warmPredicted(currentPairs: readonly string[], options: { readonly limit?: number } = {}): Promise<WarmReport> {
    assertNames('warmPredicted', currentPairs)
    assertOptions('warmPredicted', options, { limit: true })
    const { maxPairsPerWarm, minCorrelationScore = 0 } = this.#with.strategy.config
    const next = this.#with.predictor.next(currentPairs, options.limit ?? maxPairsPerWarm)
    return this.#warmFound(
      next.filter(({ confidence }) => confidence >= minCorrelationScore),
      'predictive',
    )
  }

  /** Warms what one kind of history proposes, without a person who asks: in shadow nothing is loaded. */
  async warmProposed(strategy: ProposingStrategy, options: ProposedOptions): Promise<WarmReport> {
    const { parts, operations, rollout, predictor, strategy: chosen } = this.#with
    const found = predictor.proposed(strategy, { ...options, onlyWorthwhile: true })
    const { table, shadow } = parts.caches
    if (shadow.parts === undefined || rollout.refusal !== undefined) return this.#warmFound(found, strategy)
    const known = found.map(({ pair }) => table.find(parts.chain, pair)).filter((pairId) => pairId >= 0)
    shadow.parts.l1.warm(known, () => indexOfWarmKind(strategy), chosen.config.timeoutMs)
    return operations.idle(found.length)
  }

  getStats(): CacheWarmerStats {
    const { parts, operations, analyzer, next, pairsNotAsked } = this.#with
    analyzer.settle(parts.clock.now())
    const { counts } = operations
    const { usage } = parts.caches.l1
    const each = (sum: number) => (counts.totalWarmingOps === 0 ? undefined : sum / counts.totalWarmingOps)
    const { hitRateImprovement } = parts.caches.measurement.figures({
      usage,
      promotions: parts.caches.promotion.tally,
    })
    return {
      ...counts,
      successRate: each(counts.successfulOps),
      avgPairsPerOp: each(counts.totalPairsAttempted),
      avgDurationMs: each(counts.totalTimeMs),
      hitRateImprovement,
      byStrategy: operations.byStrategy(),
      predicted: { ...warmsOf(usage, 'prediction') },
      readsNotTracked: next.readsNotTracked,
      pairsRecycled: next.pairsRecycled,
      pairsNotAsked: pairsNotAsked(),
    }
  }

  updateConfig(changes: WarmerChanges): WarmerConfig {
    assertWarmerConfig('updateConfig', changes)
    return this.#with.strategy.update(changes)
  }

  getConfig(): WarmerConfig {
    return this.#with.strategy.config
  }

  #warmFound(found: readonly PredictedPair[], strategy: WarmKind): Promise<WarmReport> {
    return this.#warmNamed(
      found.map(({ pair }) => pair),
      strategy,
    )
  }

  async #warmNamed(pairs: readonly string[], strategy: WarmKind): Promise<WarmReport> {
    const { parts, operations, rollout, strategy: chosen } = this.#with
    const { table, shadow } = parts.caches
    const named = [...new Set(pairs)]
    const { refusal } = rollout
    if (refusal !== undefined) return operations.refused(named.length, refusal)
    if (named.length === 0) return operations.idle(0)
    const asked = table.askAndHold(parts.chain, named)
    const known = asked.filter((pairId) => pairId >= 0)
    const isWithoutId = (pair: string, at: number) =>
      (asked[at] as number) < 0 && absenceWithoutId(parts.chain, pair) === 'unavailable'
    const withoutId = named.filter(isWithoutId).length
    const kindOf = () => strategy
    try {
      const { timeoutMs } = chosen.config
      const operation = { pairIds: known, kindOf, attempted: named.length, withoutId, strategy, timeoutMs }
      const report = await operations.warm(operation)
      // What a person warms is in L1 with and without the warming that a shadow stands for.
      if (report.refused === undefined)
        shadow.parts?.l1.warm(known, () => indexOfWarmKind(strategy), Number.POSITIVE_INFINITY)
      return report
    } finally {
      table.holds.letGo(known)
    }
  }

  /** Why nothing may be warmed for the pair now. */
  #refusalFor(pairId: number): WarmRefused | undefined {
    const { rollout, strategy, analyzer } = this.#with
    if (rollout.refusal !== undefined) return rollout.refusal
    if (!strategy.config.enabled) return 'disabled'
    if (pairId >= 0 && !rollout.allows(pairId)) return 'canary'
    return analyzer.isControl ? 'control' : undefined
  }
}
