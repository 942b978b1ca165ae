import type { WarmRequest } from '../../schemas/warm-request.ts'
import type { WarmResult, WarmStatus } from '../../schemas/warm-result.ts'
import type { Metrics } from '../telemetry/slab.ts'
import type { WarmRefusal } from './admission.ts'

/** Requests by their end, and pairs by what became of them, since the start. */
export interface WarmerStats {
  readonly byStatus: Readonly<Record<Exclude<WarmStatus, 'refused'>, number>>
  readonly refusals: Readonly<Partial<Record<WarmRefusal, number>>>
  readonly pairsWarmed: number
  readonly pairsAlreadyInL1: number
  readonly pairsNotFound: number
  readonly pairsRefusedOlder: number
  readonly totalDurationMs: number
  readonly trips: number
  /** Pairs that another request of the same trip asked for as well. */
  readonly coalescedPairs: number
  readonly waitingRequests: number
  /** Of them, those whose time has not come. */
  readonly heldRequests: number
  readonly waitingPairs: number
}

/** What the warmer counts, once for its own statistics and once for the metrics, so that the two agree. */
export class WarmCounts {
  readonly #metrics: Metrics
  readonly byStatus = { done: 0, partial: 0, timeout: 0, failed: 0, shadow: 0 }
  readonly refusals: Partial<Record<WarmRefusal, number>> = {}
  readonly pairs = { pairsWarmed: 0, pairsAlreadyInL1: 0, pairsNotFound: 0, pairsRefusedOlder: 0 }
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

  /** A shadow is no operation: it is counted here, and in no metric of operations. */
  finished(request: WarmRequest, result: WarmResult): void {
    if (result.status === 'refused') return
    this.byStatus[result.status]++
    if (result.status === 'shadow') return
    this.pairs.pairsWarmed += result.warmed
    this.pairs.pairsAlreadyInL1 += result.alreadyInL1
    this.pairs.pairsNotFound += result.notFound
    this.pairs.pairsRefusedOlder += result.refusedOlder
    this.totalDurationMs += result.durationMs
    this.#operation(request, result)
  }

  #operation({ chain, strategy: chosen, origin }: WarmRequest, result: WarmResult): void {
    const strategy = chosen ?? origin
    const status = result.status === 'done' || result.status === 'partial' ? 'success' : 'error'
    const metrics = this.#metrics
    metrics.counter('warming_operations_total', { chain, status, strategy }).add(1)
    metrics.counter('warming_pairs_warmed_total', { chain, strategy }).add(result.warmed)
    metrics.counter('warms_refused_older_total', { chain, strategy }).add(result.refusedOlder)
    metrics.histogram('warming_duration_ms', { chain, strategy }).record(result.durationMs)
  }
}
