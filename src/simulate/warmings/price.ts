import type { WaitingEdges } from '../../correlation/leader-edges.ts'
import type { LookAheadMode } from '../../strategy/named.ts'
import type { OwnStrategy } from '../../strategy/own-strategy.ts'
import type { ReadOutcome, Tally } from '../tally.ts'
import type { PriceTape } from '../traffic/price-tape.ts'

/** Warms along a tape of updates, at the moments that it cares about. Times are milliseconds since the epoch. */
export interface PriceWarming {
  /** Does everything that is due by now. */
  release?(nowMs: number): void
  /** Update number `at` comes in; its detector is called afterwards. */
  update?(pairId: number, at: number, nowMs: number): void
  /** The detector is about to read the pair. */
  beforeRead?(pairId: number): void
  /** It has read the pair. */
  read?(pairId: number, outcome: ReadOutcome): void
  /** It has read all of them, `lagMs` after the update of `trigger`. */
  afterReads?(trigger: number, pairIds: Int32Array, lagMs: number): void
}

export interface PriceWarmingOptions {
  readonly tape: PriceTape
  readonly tally: Tally
  readonly seed: number
  /** The strategy of the warming `own`. */
  readonly own?: OwnStrategy | undefined
  readonly warmMs: number
  readonly lookAhead: LookAheadMode
  /** Whether it is known to which update a read belongs. */
  readonly attribution: 'on' | 'off'
  /** What was learned before the tape begins. */
  readonly waiting?: WaitingEdges
}
