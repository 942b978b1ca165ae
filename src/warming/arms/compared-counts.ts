import type { Counter, Histogram, Metrics } from '../../telemetry/slab.ts'

/** An update whose handlers have settled. */
export interface SettledUpdate {
  readonly pairId: number
  readonly eventTimeMs: number
  /** How long its slowest detector call took; undefined if that was not measured. */
  readonly slowestMs?: number
}

interface ArmCounts {
  readonly updates: Counter
  readonly reads: Counter
  readonly hits: Counter
  readonly seconds: Histogram
}

/** Updates with warming and without, and their reads, as counters. Their rates show what warming brings at any time. */
export class ComparedCounts {
  readonly #with: ArmCounts
  readonly #without: ArmCounts

  constructor(metrics: Metrics) {
    this.#with = armCounts(metrics, 'with')
    this.#without = armCounts(metrics, 'without')
  }

  settled(isControl: boolean, update: SettledUpdate, { reads, hits }: { reads: number; hits: number }): void {
    const counts = isControl ? this.#without : this.#with
    counts.updates.add(1)
    counts.reads.add(reads)
    counts.hits.add(hits)
    if (update.slowestMs !== undefined) counts.seconds.record(update.slowestMs / 1000)
  }
}

function armCounts(metrics: Metrics, arm: string): ArmCounts {
  return {
    updates: metrics.counter('warming_compared_updates_total', { arm }),
    reads: metrics.counter('warming_compared_reads_total', { arm }),
    hits: metrics.counter('warming_compared_hits_total', { arm }),
    seconds: metrics.histogram('warming_compared_duration_seconds', { arm }),
  }
}
