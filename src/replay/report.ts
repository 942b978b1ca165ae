import type { Content } from './content.ts'
import type { FilterReason } from './filter.ts'
import type { ReplayTarget } from './sink/sink.ts'
import type { LostRecords } from './source/source.ts'

/** What a replay did. Counts are records unless they say otherwise; those of all passes together. */
export interface ReplayReport {
  readonly status: 'done' | 'interrupted'
  /** Passes that were begun. */
  readonly passes: number
  /** Records that the source gave: replayed + filtered. */
  readonly read: number
  readonly replayed: number
  /** Left out on request, by what. */
  readonly filtered: Readonly<Record<FilterReason, number>>
  /** What the source could not read, by reason. */
  readonly skipped: readonly LostRecords[]
  /** What the sink would not take, by reason. */
  readonly failed: readonly LostRecords[]
  /** What the replayed records held. */
  readonly kinds: Readonly<Record<Content['kind'], number>>
  /** Price updates in the replayed records. */
  readonly updates: number
  /** Those of them that were older than what their pair had. */
  readonly olderUpdates: number
  /** Of the replayed records at the source, in ms since the epoch; absent where there are none. */
  readonly firstTimestampMs: number | undefined
  readonly lastTimestampMs: number | undefined
  readonly durationMs: number
  /** The most that a record was late on the schedule. */
  readonly maxBehindMs: number
  readonly targets: readonly ReplayTarget[]
  /** Of the prices that were replayed in the last pass, as they were at the source (state-hash.ts). */
  readonly stateHash: string
  /** Whether it is the one that was asked for; absent where none was. */
  readonly hashMatches: boolean | undefined
}
