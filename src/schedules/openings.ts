import { SESSIONS, type Session } from '../prediction/sessions.ts'
import { type Calendar, isClosed } from './calendar.ts'
import { durationWords, type Timing } from './timing.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** A calendar that closes all sessions for longer is taken as the end. */
const FARTHEST_DAYS = 400

const IN_ORDER = SESSIONS.toSorted((a, b) => a.opensAt - b.opensAt).map((session) => ({
  session,
  // The form of this language is 2026-12-25.
  days: new Intl.DateTimeFormat('en-CA', { timeZone: session.timeZone, dateStyle: 'short' }),
}))

/** Runs so long before each opening of a session. Weekends and closed days are those of the place where it is traded. */
export function beforeOpenings(beforeMs: number, calendar: Calendar): Timing {
  return {
    words: `${durationWords(beforeMs)} before each session opens`,
    next: (afterMs) => {
      const opening = nextOpeningAfter(afterMs + beforeMs, calendar)
      return opening && opening.openingMs - beforeMs
    },
  }
}

/** The first opening later than this. */
export function nextOpeningAfter(
  afterMs: number,
  calendar: Calendar,
): { readonly session: Session; readonly openingMs: number } | undefined {
  const today = Math.floor(afterMs / DAY_MS)
  for (let day = today; day < today + FARTHEST_DAYS; day++)
    for (const { session, days } of IN_ORDER) {
      const openingMs = day * DAY_MS + session.opensAt * HOUR_MS
      if (openingMs > afterMs && !isClosed(calendar, session.name, days.format(openingMs)))
        return { session, openingMs }
    }
  return undefined
}
