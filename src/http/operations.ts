import type { FreshnessFigures } from '../cache/freshness/figures.ts'
import type { PriceSight } from '../cache/freshness/price-sight.ts'
import type { HierarchyStats } from '../cache/hierarchy-stats.ts'
import type { Optimized } from '../cache/optimizer.ts'
import type { NodePredictor } from '../prediction/node-predictor.ts'
import type { SchedulesStatus } from '../schedules/status.ts'
import type { WarmingFigures } from '../warming/measurement.ts'
import type { ConfigOperations } from './config-operations.ts'
import type { RolloutOperations } from './rollout-operations.ts'
import type { WarmingOperations } from './warming-operations.ts'

/** What HTTP shows of a node and lets callers do. The node implements it. */
export interface Operations {
  /** The exposition in the form that the Accept header prefers. */
  metrics(accept: string | undefined): Promise<{ readonly body: string; readonly contentType: string }>
  /** Whether the process should go on: a failed check means that it should be restarted. */
  live(): readonly Check[]
  /** Whether the node does its work: its consumers run and have caught up. */
  ready(): readonly Check[]
  warming(): WarmingHealth
  hierarchy(): HierarchyStats
  /** What the levels have of a pair, without a demand read. */
  price(chain: string, pair: string): Promise<PriceSight>
  optimize(): Promise<Optimized>
  readonly predictor: Omit<NodePredictor, 'pattern'>
  readonly config: ConfigOperations
  readonly rollout: RolloutOperations
  /** Undefined until Kafka has answered. */
  tasks(): WarmingOperations | undefined
  schedules(): SchedulesStatus
}

/** `degraded`: the node works, but not as well as it should, as while Redis is away. */
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
  /** What warming brings, against the control group. */
  readonly benefit: Pick<WarmingFigures, 'hitRateImprovement' | 'coverage' | 'accuracy' | 'control' | 'warmed'>
  readonly freshness: FreshnessFigures
  readonly checks: readonly Check[]
}

/** The worst status; `ok` without checks. */
export function worstOf(checks: readonly Check[]): Check['status'] {
  if (checks.some(({ status }) => status === 'failed')) return 'failed'
  return checks.some(({ status }) => status === 'degraded') ? 'degraded' : 'ok'
}
