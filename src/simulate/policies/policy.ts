import { DEFAULT_WARM_SHARE } from '../../cache/l1/l1.ts'
import type { Usage } from '../../cache/l1/usage.ts'

/** Decides which pairs stay when there is not enough room. Pairs are integers from 0. */
export interface Policy {
  readonly slots: number
  /** The most slots that warms may hold in a node of this size. Other policies have no such bound. */
  readonly warmLimit: number
  /** The pair that the last `read` or `warm` evicted; NO_PAIR if there was room. */
  readonly evicted: number
  /** The counts of a node's L1; undefined for other policies. */
  readonly usage?: Usage | undefined
  has(pairId: number): boolean
  /** A demand read, true for a hit. A pair that missed gets a slot. */
  read(pairId: number): boolean
  /** Gives a slot to a pair that has none; false if there is no room. `kind` is a place in WARM_KINDS. */
  warm(pairId: number, kind?: number): boolean
  /** As `has`, for a pair that is known to be read soon. */
  expect(pairId: number): boolean
  /** A pair that has a slot would be warmed if it had none. */
  renew(pairId: number): void
}

export const NO_PAIR = -1

export interface PolicySize {
  readonly slots: number
  /** Pair ids are below this. */
  readonly pairs: number
}

export function warmLimitOf(slots: number): number {
  return Math.floor(slots * DEFAULT_WARM_SHARE)
}
