import type { Content } from './content.ts'
import type { FilterReason } from './filter.ts'
import type { ReplayTarget } from './sink/sink.ts'
import type { LostRecords } from './source/source.ts'

/** The outcome of a replay. Counts are of records unless they say otherwise, of all passes together. */
export interface ReplayReport {
  readonly status: 'done' | 'interrupted'
  /** Passes begun. */
  readonly passes: number
  /** Records from the source: replayed + filtered. */
  readonly read: number
  readonly replayed: number
  /** Records left out on request, by reason. */
  readonly filtered: Readonly<Record<FilterReason, number>>
  /** Records that the source could not read, by reason. */
  readonly skipped: readonly LostRecords[]
  /** Records that the sink refused, by reason. */
  readonly failed: readonly LostRecords[]
  /** Replayed records, by content. */
  readonly kinds: Readonly<Record<Content['kind'], number>>
  /** The formats that read the records of source topics, by topic. Those without one are of our own format. */
  readonly formats: Readonly<Record<string, string>>
  /** Price updates in the replayed records. */
  readonly updates: number
  /** Price updates that were older than their pair's newest value. */
  readonly olderUpdates: number
  /** The earliest and the latest timestamp of the replayed records at the source, in ms since the epoch. */
  readonly firstTimestampMs: number | undefined
  readonly lastTimestampMs: number | undefined
  readonly durationMs: number
  /** The most that a record was late. */
  readonly maxBehindMs: number
  readonly targets: readonly ReplayTarget[]
  /** The state hash (state-hash.ts) of the last pass's prices, as they were at the source, unless the sink has its own. */
  readonly stateHash: string
  /** Whether it is the expected hash; undefined if none was given. */
  readonly hashMatches: boolean | undefined
}
