import type { Priority, ProposingStrategy } from '../../schemas/warm-request.ts'
import { type Calendar, NO_CLOSED_DAYS } from './calendar.ts'
import type { Timed } from './course.ts'
import { beforeOpenings } from './openings.ts'
import { cron, every, MINUTE_MS, NEVER } from './timing.ts'

/** Pairs that are to be warmed, by one prediction. */
export interface Ask {
  readonly strategy: ProposingStrategy
  /** The most pairs. Without it, WARMING_POPULAR_LIMIT for popular pairs, and 100 for others. */
  readonly limit?: number
}

/** A schedule that warms what history says. */
export interface WarmSchedule extends Timed {
  readonly isEnabled: boolean
  /** One after the other. */
  readonly asks: readonly Ask[]
  /** Without it, the strategy and the confidence of its prediction decide. */
  readonly priority?: Priority
}

export const SCHEDULE_NAMES = [
  'start-up',
  'popular',
  'time-of-day',
  'trending',
  'sector-rotation',
  'pre-market',
  'sessions',
] as const
export type ScheduleName = (typeof SCHEDULE_NAMES)[number]

/** Before the stock markets of Europe open. */
export const PRE_MARKET_CRON = '30 8 * * *'
const PRE_MARKET_LIMIT = 200
/** Long enough for a node to warm, and short enough that the warms are there when they are read. */
const BEFORE_MS = 15 * MINUTE_MS

/** The schedules of a service that says nothing else. */
export function defaultSchedules(calendar: Calendar = NO_CLOSED_DAYS): Readonly<Record<ScheduleName, WarmSchedule>> {
  const hourly = every(60 * MINUTE_MS)
  const popular: Ask = { strategy: 'popular' }
  const timeOfDay: Ask = { strategy: 'time_of_day' }
  const forecast: Ask = { strategy: 'pattern', limit: PRE_MARKET_LIMIT }
  const on = { isEnabled: true }
  return {
    'start-up': { ...on, name: 'start-up', timing: NEVER, atStart: true, asks: [popular, timeOfDay] },
    popular: { ...on, name: 'popular', timing: every(30 * MINUTE_MS), asks: [popular] },
    'time-of-day': { ...on, name: 'time-of-day', timing: hourly, asks: [timeOfDay] },
    trending: { ...on, name: 'trending', timing: hourly, asks: [{ strategy: 'trending' }] },
    'sector-rotation': { ...on, name: 'sector-rotation', timing: hourly, asks: [{ strategy: 'sector_rotation' }] },
    'pre-market': { ...on, name: 'pre-market', timing: cron(PRE_MARKET_CRON), asks: [forecast] },
    sessions: {
      ...{ ...on, name: 'sessions', timing: beforeOpenings(BEFORE_MS, calendar) },
      asks: [{ strategy: 'market_open' }],
    },
  }
}
