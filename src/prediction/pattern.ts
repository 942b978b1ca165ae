import { type AccessHistory, DAY_HOURS } from './access-history.ts'
import { SESSIONS, type Session, tieTo } from './sessions.ts'
import { daysRead } from './time-of-day.ts'

/** How often and when a pair is read. */
export interface AccessPattern {
  /** The mean over the kept hours. */
  readonly frequencyPerHour: number
  /** Hours of the day, UTC, with at least 1.5 times the mean reads, and with reads on most days. */
  readonly peakHours: readonly number[]
  /** Sessions during which the pair is read more often than evenly, and how many times as often. */
  readonly sessions: Readonly<Partial<Record<Session['name'], number>>>
  /** 0 to 1: the share of days on which it was read in its peak hours; 0 without peaks. */
  readonly confidence: number
}

const PEAK = 1.5
const MOST_DAYS = 0.5
const TIED = 1.1

/** Undefined if the pair was not read. */
export function patternOf(
  history: AccessHistory,
  { pairId, pair }: { readonly pairId: number; readonly pair: string },
): AccessPattern | undefined {
  const { firstHour, lastHour } = history
  const reads = history.between(pairId, firstHour, lastHour)
  if (reads === 0) return undefined
  const perHour = reads / (lastHour - firstHour + 1)
  const peaks: { readonly hour: number; readonly share: number }[] = []
  for (let hourOfDay = 0; hourOfDay < DAY_HOURS; hourOfDay++) {
    const { days, of, sum } = hourOfDayReads(history, pairId, hourOfDay)
    if (of === 0 || sum / of < perHour * PEAK || days / of < MOST_DAYS) continue
    peaks.push({ hour: hourOfDay, share: (days + 0.5) / (of + 1) })
  }
  const ties = SESSIONS.map((session) => [session.name, tieTo(session, history, { pairId, pair })] as const)
  return {
    frequencyPerHour: perHour,
    peakHours: peaks.map(({ hour }) => hour),
    sessions: Object.fromEntries(ties.filter(([, tie]) => tie >= TIED)),
    confidence: peaks.length === 0 ? 0 : peaks.reduce((total, { share }) => total + share, 0) / peaks.length,
  }
}

/** The pair's reads in this hour of the day, as far as these hours have ended. */
function hourOfDayReads(history: AccessHistory, pairId: number, hourOfDay: number) {
  const behind = (history.lastHour - hourOfDay) % DAY_HOURS
  const latest = history.lastHour - ((behind + DAY_HOURS) % DAY_HOURS)
  const ended = latest === history.lastHour ? latest - DAY_HOURS : latest
  let sum = 0
  for (let hour = ended; hour >= history.firstHour; hour -= DAY_HOURS) sum += history.in(pairId, hour)
  return { ...daysRead(history, pairId, ended + DAY_HOURS), sum }
}
