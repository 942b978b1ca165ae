import { indexOfWarmKind, WARM_KINDS, type WarmKind } from '../../src/cache/l1/usage.ts'
import type { PromotionOutcome } from '../../src/cache/promotion.ts'
import { countOperation, type OperationCells, operationCells } from '../../src/warming/warm-counts.ts'
import type { OpenedCache } from '../levels.ts'
import type { StrategyStats, WarmRefused, WarmReport } from './report.ts'
import type { RolledOut } from './rollout.ts'

/** What a warm is for, and who asked for it. */
export interface Operation {
  readonly pairIds: readonly number[]
  readonly kindOf: (pairId: number) => WarmKind
  /** The pairs that were asked for, also those that have no id. */
  readonly attempted: number
  /** Those that have no id as all were taken; the others without one cannot exist. */
  readonly withoutId?: number
  /** For the counts: the kind of all its pairs, or of most. */
  readonly strategy: WarmKind
  readonly timeoutMs: number
  readonly sourcePair?: string | undefined
}

export interface OperationsOptions {
  readonly parts: OpenedCache
  readonly rollout: RolledOut
}

/** Carries out the warms of a warming, and counts them. */
export class Operations {
  readonly #options: OperationsOptions
  readonly counts = {
    ...{ totalWarmingOps: 0, successfulOps: 0, failedOps: 0, refusedOps: 0 },
    ...{ totalPairsAttempted: 0, totalPairsWarmed: 0, totalTimeMs: 0 },
  }
  readonly #byKind = new Map<WarmKind, number>()
  readonly #cells = new Map<WarmKind, OperationCells>()

  constructor(options: OperationsOptions) {
    this.#options = options
  }

  /** One trip to L2 for what L1 lacks. Values that come after the timeout go into L1, too, if they are newer than it has had. */
  async warm(operation: Operation): Promise<WarmReport> {
    const { pairIds, kindOf, attempted, withoutId = 0, strategy, timeoutMs, sourcePair } = operation
    const { caches } = this.#options.parts
    const startMs = performance.now()
    const kindIndexOf = (pairId: number) => indexOfWarmKind(kindOf(pairId))
    const { outcomes, timedOut, unavailable } = await caches.promotion.promote(pairIds, { timeoutMs, kindIndexOf })
    const of = (outcome: PromotionOutcome) => outcomes.reduce((sum, each) => (each === outcome ? sum + 1 : sum), 0)
    const failed = of('failed')
    // The rollout may have changed while L2 was asked. What was done before that is told.
    const isKeptOut = failed > 0 && failed === pairIds.length && caches.rollout.keepsOut(strategy)
    if (isKeptOut) return this.refused(attempted, this.#options.rollout.refusal ?? 'off', sourcePair)
    const report: WarmReport = {
      ...this.#nothing(attempted, sourcePair),
      success: !timedOut && unavailable === undefined && failed === 0,
      pairsWarmed: of('warmed'),
      pairsAlreadyInL1: of('alreadyInL1'),
      pairsNotFound: of('notFound') + attempted - pairIds.length - withoutId,
      pairsRefused: of('refusedOlder'),
      pairsWithoutRoom: of('noRoom') + withoutId,
      pairsFailed: failed,
      timedOut,
      durationMs: performance.now() - startMs,
    }
    this.#count(strategy, report)
    return report
  }

  /** The report of a warm that is not carried out. */
  refused(attempted: number, refused: WarmRefused, sourcePair?: string): WarmReport {
    this.counts.refusedOps++
    return { ...this.#nothing(attempted, sourcePair), success: false, refused }
  }

  /** The report of a warm for which there was nothing to do, or which is shown to the shadow of L1 alone. */
  idle(attempted: number, sourcePair?: string): WarmReport {
    return this.#nothing(attempted, sourcePair)
  }

  /** What each kind of warms brought; those of which nothing is known are left out. */
  byStrategy(): Readonly<Record<string, StrategyStats>> {
    const { warmsByKind } = this.#options.parts.caches.l1.usage
    const stats = WARM_KINDS.map((kind, at) => {
      const { admitted: warmed = 0, used = 0, unused = 0 } = warmsByKind[at] ?? {}
      const operations = this.#byKind.get(kind) ?? 0
      return [
        kind,
        { operations, warmed, used, unused, accuracy: used + unused === 0 ? undefined : used / (used + unused) },
      ] as const
    })
    return Object.fromEntries(stats.filter(([, { operations, warmed }]) => operations + warmed > 0))
  }

  #count(strategy: WarmKind, report: WarmReport): void {
    const { success, pairsAttempted, pairsWarmed, pairsRefused, durationMs } = report
    const { counts } = this
    counts.totalWarmingOps++
    counts[success ? 'successfulOps' : 'failedOps']++
    counts.totalPairsAttempted += pairsAttempted
    counts.totalPairsWarmed += pairsWarmed
    counts.totalTimeMs += durationMs
    this.#byKind.set(strategy, (this.#byKind.get(strategy) ?? 0) + 1)
    const figures = { success, warmed: pairsWarmed, refusedOlder: pairsRefused, durationMs }
    countOperation(this.#cellsOf(strategy), figures)
  }

  #cellsOf(strategy: WarmKind): OperationCells {
    const known = this.#cells.get(strategy)
    if (known !== undefined) return known
    const { metrics, chain } = this.#options.parts
    const cells = operationCells(metrics, { chain, strategy })
    this.#cells.set(strategy, cells)
    return cells
  }

  #nothing(pairsAttempted: number, sourcePair: string | undefined): WarmReport {
    const none = {
      pairsWarmed: 0,
      pairsAlreadyInL1: 0,
      pairsNotFound: 0,
      pairsRefused: 0,
      pairsWithoutRoom: 0,
      pairsFailed: 0,
    }
    const ended = { refused: undefined, timedOut: false, durationMs: 0, timestamp: this.#options.parts.clock.now() }
    return { success: true, pairsAttempted, ...none, ...ended, sourcePair }
  }
}
