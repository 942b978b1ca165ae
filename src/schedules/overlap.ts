import type { WarmSchedule } from './schedule.ts'
import { runsBetween } from './timing.ts'

/** A year with a 29th of February, so that all days and all changes of clocks are in it. */
const FROM_MS = Date.parse('2027-12-31T23:59Z')
const UNTIL_MS = Date.parse('2028-12-31T23:59Z')

/** The first time in a year at which both schedules ask for pairs by the same prediction, if there is one. */
export function overlapOf(schedule: WarmSchedule, other: WarmSchedule): number | undefined {
  if (!schedule.isEnabled || !other.isEnabled) return undefined
  if (!schedule.asks.some(({ strategy }) => other.asks.some((ask) => ask.strategy === strategy))) return undefined
  const [runs, otherRuns] = [schedule, other].map(({ timing }) => runsBetween(timing, FROM_MS, UNTIL_MS))
  if (runs === undefined || otherRuns === undefined) return undefined
  // The runs of the one that runs more often may be cut off after the first thousand.
  const [fewer, more] = runs.length < otherRuns.length ? [runs, other] : [otherRuns, schedule]
  return fewer.find((runMs) => more.timing.next(runMs - 1) === runMs)
}
