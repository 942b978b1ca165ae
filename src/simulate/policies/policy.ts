import { DEFAULT_WARM_SHARE } from '../../cache/l1/l1.ts'
import type { Usage } from '../../cache/l1/usage.ts'

/** Who stays when there is not enough room: what a simulation compares. Pairs are integers below a given number. */
export interface Policy {
  readonly slots: number
  /** What a node of as many slots would give to warms; other policies have no such bound. */
  readonly warmLimit: number
  /** The pair that the last `read` or `warm` pushed out; NO_PAIR where there was room. */
  readonly evicted: number
  /** Where it counts, as a node does. */
  readonly usage?: Usage | undefined
  has(pairId: number): boolean
  /** A demand read, true for a hit. What missed has a slot from now on. */
  read(pairId: number): boolean
  /** A slot for a pair that has none; false where there is none to be had. `kind`: who asks, its place in WARM_KINDS. */
  warm(pairId: number, kind?: number): boolean
  /** As `has`, when the pair is known to be read soon. */
  expect(pairId: number): boolean
  /** The pair has a slot, and would be warmed if it had none. */
  renew(pairId: number): void
}

export const NO_PAIR = -1

export interface PolicySize {
  readonly slots: number
  /** Pair ids are below it. */
  readonly pairs: number
}

export function warmLimitOf(slots: number): number {
  return Math.floor(slots * DEFAULT_WARM_SHARE)
}
