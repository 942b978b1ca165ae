import { isObject } from '../../schemas/json-value.ts'
import { SESSIONS } from '../prediction/sessions.ts'

/** Closed days other than weekends, such as 2026-12-25. The key is a session, or `all` for all sessions. */
export type Calendar = Readonly<Record<string, ReadonlySet<string>>>

export const NO_CLOSED_DAYS: Calendar = {}

const ALL = 'all'
const NAMES = [ALL, ...SESSIONS.map(({ name }) => name)]

/** Reads the JSON of a calendar file: lists of days by `all` and by session. Returns what is wrong with it instead. */
export function parseCalendar(text: string): Calendar | { readonly fault: string } {
  let lists: unknown
  try {
    lists = JSON.parse(text)
  } catch (error) {
    return { fault: `no JSON: ${error instanceof Error ? error.message : error}` }
  }
  if (!isObject(lists)) return { fault: 'JSON, but not an object' }
  const calendar: Record<string, ReadonlySet<string>> = {}
  for (const [name, days] of Object.entries(lists)) {
    if (!NAMES.includes(name)) return { fault: `the key ${JSON.stringify(name)}, which is none of ${NAMES.join(', ')}` }
    if (!Array.isArray(days)) return { fault: `no list of days at ${JSON.stringify(name)}` }
    const wrong = days.find((day) => !isDay(day))
    if (wrong !== undefined) return { fault: `${JSON.stringify(wrong)} at ${JSON.stringify(name)}, which is no day` }
    calendar[name] = new Set(days)
  }
  return calendar
}

/** `day`: as 2026-12-25, where the session is traded. */
export function isClosed(calendar: Calendar, session: string, day: string): boolean {
  const weekday = new Date(day).getUTCDay()
  return weekday === 0 || weekday === 6 || [ALL, session].some((name) => calendar[name]?.has(day) ?? false)
}

function isDay(day: unknown): boolean {
  if (typeof day !== 'string' || !/^\d{4}-\d{2}-\d{2}$/.test(day)) return false
  const ms = Date.parse(day)
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(day)
}
