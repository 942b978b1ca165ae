import type { WarmRequest } from '../../schemas/warm-request.ts'
import type { WarmResult, WarmStatus } from '../../schemas/warm-result.ts'
import { WARM_KINDS, warmKindOf } from '../cache/l1/usage.ts'
import type { Counter, Histogram, Metrics } from '../telemetry/slab.ts'
import type { WarmRefusal } from './admission.ts'

/** Counts since the start: requests by status, and pairs by outcome. */
export interface WarmerStats {
  readonly byStatus: Readonly<Record<Exclude<WarmStatus, 'refused'>, number>>
  readonly refusals: Readonly<Partial<Record<WarmRefusal, number>>>
  /** In the order of WARM_KINDS. The look-ahead of a node makes no requests. */
  readonly byKind: readonly KindCounts[]
  readonly pairsWarmed: number
  readonly pairsAlreadyInL1: number
  readonly pairsNotFound: number
  readonly pairsRefusedOlder: number
  readonly totalDurationMs: number
  readonly trips: number
  /** Pairs that another request of the same trip had asked for too. */
  readonly coalescedPairs: number
  readonly waitingRequests: number
  /** Waiting requests that are not due yet. */
  readonly heldRequests: number
  readonly waitingPairs: number
}

export interface KindCounts {
  /** Requests that were carried out. */
  readonly operations: number
}

/** Counts for the warmer's statistics and for the metrics in one place, so that the two agree. */
export class WarmCounts {
  readonly #metrics: Metrics
  readonly byStatus = { done: 0, partial: 0, timeout: 0, failed: 0, shadow: 0 }
  readonly refusals: Partial<Record<WarmRefusal, number>> = {}
  readonly pairs = { pairsWarmed: 0, pairsAlreadyInL1: 0, pairsNotFound: 0, pairsRefusedOlder: 0 }
  readonly byKind = WARM_KINDS.map(() => ({ operations: 0 }))
  totalDurationMs = 0
  trips = 0
  coalescedPairs = 0

  constructor(metrics: Metrics) {
    this.#metrics = metrics
  }

  countRefusal(chain: string, reason: WarmRefusal): void {
    this.refusals[reason] = (this.refusals[reason] ?? 0) + 1
    this.#metrics.counter('warm_requests_refused_total', { chain, reason }).add(1)
  }

  trip(coalesced: number): void {
    this.trips++
    this.coalescedPairs += coalesced
  }

  /** A shadow is no operation: it is counted by status, but not in the metrics of operations. */
  finished(request: WarmRequest, result: WarmResult): void {
    if (result.status === 'refused') return
    this.byStatus[result.status]++
    const { chain, origin, strategy = origin } = request
    this.#metrics.counter('warm_results_total', { chain, strategy, status: result.status }).add(1)
    if (result.status === 'shadow') return
    this.pairs.pairsWarmed += result.warmed
    this.pairs.pairsAlreadyInL1 += result.alreadyInL1
    this.pairs.pairsNotFound += result.notFound
    this.pairs.pairsRefusedOlder += result.refusedOlder
    this.totalDurationMs += result.durationMs
    const ofKind = this.byKind[warmKindOf(request)]
    if (ofKind !== undefined) ofKind.operations++
    this.#operation(request, result)
  }

  #operation({ chain, strategy: chosen, origin }: WarmRequest, result: WarmResult): void {
    const success = result.status === 'done' || result.status === 'partial'
    countOperation(operationCells(this.#metrics, { chain, strategy: chosen ?? origin }), { ...result, success })
  }
}

/** What a warm came to. */
export interface OperationFigures extends Pick<WarmResult, 'warmed' | 'refusedOlder' | 'durationMs'> {
  readonly success: boolean
}

/** The metrics of operations, a node's or one beside a cache. */
export interface OperationCells {
  readonly success: Counter
  readonly error: Counter
  readonly warmed: Counter
  readonly refusedOlder: Counter
  readonly durationMs: Histogram
}

/** Whoever counts often keeps them: to look them up by their labels costs more than to count. */
export function operationCells(
  metrics: Metrics,
  labels: { readonly chain: string; readonly strategy: string },
): OperationCells {
  return {
    success: metrics.counter('warming_operations_total', { ...labels, status: 'success' }),
    error: metrics.counter('warming_operations_total', { ...labels, status: 'error' }),
    warmed: metrics.counter('warming_pairs_warmed_total', labels),
    refusedOlder: metrics.counter('warms_refused_older_total', labels),
    durationMs: metrics.histogram('warming_duration_ms', labels),
  }
}

/** Counts an operation in the metrics. */
export function countOperation(cells: OperationCells, figures: OperationFigures): void {
  cells[figures.success ? 'success' : 'error'].add(1)
  cells.warmed.add(figures.warmed)
  cells.refusedOlder.add(figures.refusedOlder)
  cells.durationMs.record(figures.durationMs)
}
