import { END_OF_EVENT_TIME_MS, MIN_EVENT_TIME_MS } from '../../../schemas/event-time.ts'

export const MOMENT_WORDS = 'a time of ISO 8601 like 2026-07-10T00:00Z, or milliseconds since 1970'

/** Year, month, day; hour, minute, second with its fraction; zone. */
const ISO =
  /^(\d{4})-(\d\d)-(\d\d)(?:T([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:[.,](\d{1,9}))?)?(Z|[+-](?:0\d|1[0-4]):?[0-5]\d)?)?$/

/**
 * Milliseconds since the epoch. Undefined for text that is no date, a date that no calendar has, and a number that is a
 * present time in seconds or microseconds.
 */
export function momentMs(moment: string | number): number | undefined {
  if (typeof moment !== 'number' && !/^\d+$/.test(moment)) return isoMs(moment)
  const ms = Number(moment)
  return ms === 0 || (ms >= MIN_EVENT_TIME_MS && ms < END_OF_EVENT_TIME_MS) ? ms : undefined
}

function isoMs(text: string): number | undefined {
  const [matched, year, month, day, hour = 0, minute = 0, second = 0, fraction = '', zone = 'Z'] = ISO.exec(text) ?? []
  if (matched === undefined) return undefined
  const date = new Date(0)
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day))
  // There is no 31 February: it would be a day in March.
  if (date.getUTCMonth() !== Number(month) - 1 || date.getUTCDate() !== Number(day)) return undefined
  date.setUTCHours(Number(hour), Number(minute), Number(second), Number(fraction.padEnd(3, '0').slice(0, 3)))
  return date.getTime() - zoneMs(zone)
}

function zoneMs(zone: string): number {
  if (zone === 'Z') return 0
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2))
  return (zone.startsWith('-') ? -minutes : minutes) * 60_000
}
