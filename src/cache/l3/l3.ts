import type { L2Load } from '../l2/l2.ts'

/**
 * The third level: the source of prices that neither L1 nor L2 has. Only reads ask it; a warm never does, because its
 * deadline is short. Unavailability is a value, as in L2.
 */
export interface L3 {
  start(): Promise<void>
  /** The newest value of each pair, in the order of `pairIds`; `undefined` if there is none. Never rejects. */
  load(pairIds: readonly number[]): Promise<L2Load>
  close(): Promise<void>
}
