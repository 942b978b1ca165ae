import { shown } from '../../schemas/json-value.ts'
import { type Refused, refused } from '../../schemas/refusal.ts'
import { wholeDigits, wholeOf } from './decimal.ts'

export const TIME_UNITS = ['s', 'ms', 'us', 'ns', 'iso', 'auto-by-digits'] as const
export type TimeUnit = (typeof TIME_UNITS)[number]

/** The power of ten by which a time of the unit is multiplied to be milliseconds. */
const TO_MS = { s: 3, ms: 0, us: -3, ns: -6 } as const
/** Times since 2001 and until 2286 have so many digits in each unit. */
const UNIT_BY_DIGITS: Readonly<Record<number, keyof typeof TO_MS>> = { 10: 's', 13: 'ms', 16: 'us', 19: 'ns' }

/** Whole milliseconds since 1970. What lies within a millisecond is cut off. */
export function msOf(value: unknown, unit: TimeUnit): number | Refused {
  if (typeof value === 'number' && Number.isInteger(value) && (unit === 'ms' || unit === 's'))
    return unit === 'ms' ? value : value * 1000
  if (unit === 'iso') return isoMs(value)
  const of = unit === 'auto-by-digits' ? UNIT_BY_DIGITS[wholeDigits(value) ?? 0] : unit
  const ms = of === undefined ? undefined : wholeOf(value, TO_MS[of])
  if (ms !== undefined) return ms
  const expected = unit === 'auto-by-digits' ? 'a time of 10, 13, 16 or 19 digits' : `a time in ${unit}`
  return refused('wrong-type', `eventTimeMs: expected ${expected}, got ${shown(value)}`)
}

/** Date and time of ISO 8601. Without a zone it is UTC. */
const ISO = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2})?)(?:[.,](\d{1,9}))?(Z|[+-]\d{2}(?::?\d{2})?)?$/

function isoMs(value: unknown): number | Refused {
  const [, date, time, fraction = '', zone = 'Z'] = (typeof value === 'string' && ISO.exec(value)) || []
  const seconds = time !== undefined && time.length > 5 ? time : `${time}:00`
  const at = zone === 'Z' || zone.includes(':') ? zone : `${zone.slice(0, 3)}:${zone.slice(3) || '00'}`
  const ms = Date.parse(`${date}T${seconds}.${fraction.padEnd(3, '0').slice(0, 3)}${at}`)
  // A day that the month does not have would be taken for one of the next.
  if (!Number.isNaN(ms) && isDay(String(date))) return ms
  return refused('wrong-type', `eventTimeMs: expected a time of ISO 8601, got ${shown(value)}`)
}

function isDay(date: string): boolean {
  const ms = Date.parse(`${date}T00:00:00Z`)
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(date)
}
