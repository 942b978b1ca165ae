import type { LookAheadMode } from '../../warming/look-ahead.ts'
import type { ReadOutcome, Tally } from '../tally.ts'
import type { PriceTape } from '../traffic/price-tape.ts'

/** What is warmed along a tape of updates. Times are milliseconds since the epoch. */
export interface PriceWarming {
  /** Does what is due until now. */
  release(nowMs: number): void
  /** The update number `at`, before its detector is called. */
  update(pairId: number, at: number, nowMs: number): void
  /** The detector reads this one now. */
  beforeRead(pairId: number): void
  /** It has read one of them. */
  read(pairId: number, outcome: ReadOutcome): void
  /** It has read them, `lagMs` after the update of `trigger`. */
  afterReads(trigger: number, pairIds: Int32Array, lagMs: number): void
}

export interface PriceWarmingOptions {
  readonly tape: PriceTape
  readonly tally: Tally
  readonly seed: number
  readonly warmMs: number
  readonly lookAhead: LookAheadMode
  /** Whether a read is known to belong to an update. */
  readonly attribution: 'on' | 'off'
}
