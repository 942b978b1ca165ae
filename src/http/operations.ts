import type { HierarchyStats } from '../cache/hierarchy-stats.ts'
import type { Optimized } from '../cache/optimizer.ts'
import type { AccessPattern } from '../prediction/pattern.ts'
import type { PatternsDocument } from '../prediction/patterns-document.ts'
import type { PredictorStats } from '../prediction/predictor.ts'

/** What the HTTP side shows of a node; the node hands itself in. */
export interface Operations {
  /** The exposition in the form that the Accept header prefers. */
  metrics(accept: string | undefined): Promise<{ readonly body: string; readonly contentType: string }>
  /** Whether the process is worth keeping: a failed check means restart it. */
  live(): readonly Check[]
  /** Whether the node does its work: assigned, restored, caught up, broker there. */
  ready(): readonly Check[]
  warming(): WarmingHealth
  hierarchy(): HierarchyStats
  optimize(): Promise<Optimized>
  readonly predictor: Predictions
}

/** What was read, and what that says will be read. */
export interface Predictions {
  recommendations(options: { readonly lookAheadHours: number; readonly limit?: number }): readonly Recommended[]
  stats(): PredictorStats
  /** Of the pairs read most lately, the most first. */
  patterns(): readonly PairPattern[]
  exportPatterns(): PatternsDocument
  importPatterns(document: unknown): { readonly refused: number } | { readonly problem: string }
}

export interface PairPattern extends Pick<AccessPattern, 'frequencyPerHour' | 'peakHours' | 'confidence'> {
  readonly chain: string
  readonly pair: string
}

export interface Recommended {
  readonly chain: string
  readonly pair: string
  readonly confidence: number
  readonly kind: string
  readonly reason: string
}

/** `degraded`: works, but not as well as it should (Redis is gone). */
export interface Check {
  readonly name: string
  readonly status: 'ok' | 'degraded' | 'failed'
  readonly reason?: string
}

export interface WarmingHealth {
  readonly tracker: { readonly totalPairs: number; readonly totalUpdates: number }
  /** `successRate`: successful operations ÷ all, 0 to 1; undefined before the first. */
  readonly warmer: {
    readonly totalWarmingOps: number
    readonly totalPairsWarmed: number
    readonly successRate: number | undefined
  }
  readonly checks: readonly Check[]
}

/** The worst of them; `ok` where there are none. */
export function worstOf(checks: readonly Check[]): Check['status'] {
  if (checks.some(({ status }) => status === 'failed')) return 'failed'
  return checks.some(({ status }) => status === 'degraded') ? 'degraded' : 'ok'
}
