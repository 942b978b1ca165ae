import { inTime, systemTimer, type Timer } from '../../timer.ts'
import type { L2, L2Load } from '../l2/l2.ts'
import type { ForeignReads } from './foreign-reads.ts'

export interface TrackedLoadsOptions {
  /** How long an answer may take, in milliseconds. */
  readonly delayMs: number
  readonly timer?: Timer
}

/** Lets all loads of a level go over the connection that tells of changes, as long as it does: L1 then has what is known to be current. */
export function trackLoads(
  level: Pick<L2, 'load'>,
  foreign: Pick<ForeignReads, 'load'>,
  { delayMs, timer = systemTimer }: TrackedLoadsOptions,
): void {
  const load = level.load.bind(level)
  const late: L2Load = { status: 'unavailable', reason: `no answer within ${delayMs} ms` }
  level.load = async (pairIds) => (await inTime(foreign.load(pairIds), late, { delayMs, timer })) ?? load(pairIds)
}
