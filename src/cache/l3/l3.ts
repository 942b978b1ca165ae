import type { L2Load } from '../l2/l2.ts'

/**
 * The third level: where prices come from when neither L1 nor L2 has them. It is asked by reads that wait, never within
 * a warm's deadline. Unavailability is a value, as in L2.
 */
export interface L3 {
  start(): Promise<void>
  /** The newest value of each pair, in the order of `pairIds`; `undefined` where there is none. Never rejects. */
  load(pairIds: readonly number[]): Promise<L3Load>
  close(): Promise<void>
}

export type L3Load = L2Load
