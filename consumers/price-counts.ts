import type { PairTable } from '../src/cache/names/pair-table.ts'
import { ChainCounters } from '../src/telemetry/by-chain.ts'
import type { Counter, Histogram, Metrics } from '../src/telemetry/slab.ts'
import type { RecordNotes } from './price-window.ts'
import type { Sequences } from './sequences.ts'

/** The counters of price updates, looked up once and used on the hot path. */
export interface PriceCounts {
  readonly updates: ChainCounters
  readonly older: Counter
  readonly redelivered: Counter
  readonly tooManyInMs: Counter
  /** Updates of frames whose other pairs are known. */
  readonly tooManyPairs: Counter
  readonly sequenceBack: Counter
  readonly delisted: Counter
  readonly rounded: Counter
  /** Foreign records, and parts of them, that say nothing of prices. */
  readonly skipped: Counter
}

export function priceCounts(metrics: Metrics, table: PairTable): PriceCounts {
  return {
    updates: new ChainCounters({ metrics, chainName: (id) => table.chainName(id) }, 'price_updates_total'),
    older: metrics.counter('drops_total', { reason: 'older' }),
    redelivered: metrics.counter('drops_total', { reason: 'redelivered' }),
    tooManyInMs: metrics.counter('drops_total', { reason: 'too-many-in-one-ms' }),
    tooManyPairs: metrics.counter('drops_total', { reason: 'too-many-pairs' }),
    sequenceBack: metrics.counter('sequence_regressions_total'),
    rounded: metrics.counter('rounded_updates_total'),
    skipped: metrics.counter('records_skipped_total'),
    delisted: metrics.counter('pairs_delisted_total'),
  }
}

/** State that all lanes of a node share. */
export interface SharedByLanes {
  readonly counts: PriceCounts
  readonly count: (topic: string, notes: RecordNotes) => void
  readonly trackingUs: Histogram
  readonly endToEndSeconds: Histogram
  readonly sequences: Sequences
  /** Timestamp of the last record of each topic, set once a window. */
  readonly lastRecordMs: Map<string, number>
}
