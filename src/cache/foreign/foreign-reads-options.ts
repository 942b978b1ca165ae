import type { Timer } from '../../timer.ts'
import type { CachedPrice } from '../cached-price.ts'
import type { FirstLevel } from '../l1/first-level.ts'
import type { Tracking, TrackingWay } from '../l2/tracking.ts'
import type { Sources, SourcesSnapshot } from '../sources/sources.ts'

export interface ForeignReadsOptions {
  readonly tracking: Tracking
  readonly sources: Sources
  readonly l1: Pick<FirstLevel, 'fill' | 'peek' | 'suspend'>
  readonly maxPairs: number
  /** Whether all updates of the pair arrive at this node. */
  readonly isFollowed: (pairId: number) => boolean
  /** Whether a version is too far in the future to be taken. */
  readonly keepsOut?: (version: number) => boolean
  /** L2 has a deletion of the pair, and accepts nothing below `floor`. */
  readonly onDeleted: (pairId: number, floor: number) => void
  /** Called for bytes that are no value, with the reason. */
  readonly onUndecodable?: ((reason: string) => void) | undefined
  /** Nothing is tracked: the pairs are read again and again. */
  readonly polls?: boolean
  /** The time between two pollings, in milliseconds. */
  readonly pollMs: number
  /** The least time between two fences while Redis tells of changes; 10 unless given. */
  readonly fenceMs?: number | undefined
  readonly onWay?: (way: TrackingWay, reason: string | undefined) => void
  /** Something is refused without which the rest goes on. */
  readonly onLimited?: ((reason: string) => void) | undefined
  readonly timer?: Timer
  /** Monotonic milliseconds. */
  readonly now?: () => number
}

/** How a value was read. */
export interface Taking {
  /** Nothing was told of the pair since it was sent for. */
  readonly isClean: boolean
  /** L2 tells of no changes. */
  readonly isPolled?: boolean
  /** What was known when it was. */
  readonly sent: SourcesSnapshot
  /** The rows of whoever asked for the value; it goes into L1 if nobody did. */
  readonly rows?: Map<number, CachedPrice> | undefined
}
