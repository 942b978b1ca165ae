import type { Timer } from '../../timer.ts'
import type { CachedPrice } from '../cached-price.ts'
import type { Sources } from '../sources/sources.ts'
import type { L2, L2Write } from './l2.ts'

export interface WriteBehindOptions {
  readonly l2: L2
  readonly flushMs: number
  /** The partitions that values come from. */
  readonly sources?: Sources
  /** Rows a set. */
  readonly capacity: number
  /** More rows are added when all are taken, up to `maxPairs`. They are given back when they are written. */
  readonly grows?: boolean
  readonly maxPairs: number
  /** How much JSON may wait, but for one more value; 64 MiB unless given. */
  readonly mostJsonBytes?: number
  /** How long L2 keeps a value, ±10 %; for ever unless given. */
  readonly l2TtlMs?: number
  /** Fills the price with L1's value of the pair, if it has one: a value that found no row is written from there. */
  readonly held?: (pairId: number, into: CachedPrice) => boolean
  readonly onFlush?: (flush: Flush) => void
  /** Called once, by `close`, if L2 did not get all values: how many it lacks, and why. */
  readonly onLost?: (entries: number, reason: string) => void
  readonly timer?: Timer
  /** Monotonic milliseconds, for the duration of a flush; `performance.now` unless given. */
  readonly now?: () => number
}

export interface Flush {
  readonly entries: number
  readonly outcome: L2Write
  readonly durationMs: number
}
