import { shown } from './json-value.ts'
import { type PriceRefusal, type Refused, refused } from './refusal.ts'

/** A lower time would lie before 1973, so it was given in seconds. */
export const MIN_EVENT_TIME_MS = 100_000_000_000
/** From this time on (2039), versions, 4,096 a millisecond, would exceed 2⁵³ and no longer be exact. */
export const END_OF_EVENT_TIME_MS = 2 ** 41
/** How far an event time may lie ahead of the clock. Without a limit one bad update would freeze its pair. */
export const MAX_AHEAD_MS = 60_000

/** Finer units, each with its part of a millisecond. */
const FINER_UNITS: readonly (readonly [unit: string, reason: PriceRefusal, aMillisecond: number])[] = [
  ['microseconds', 'event-time-microseconds', 1e3],
  ['nanoseconds', 'event-time-nanoseconds', 1e6],
]

/**
 * The one rule for event times, for every way into the caches and onto a topic: the reason to refuse a time, if there
 * is one. A decoder has no clock; whoever takes its updates asks `checkedAhead` as well. `came` is the value as it was
 * given, for the message.
 */
export function checkedEventTime(eventTimeMs: number, came: unknown = eventTimeMs): Refused | undefined {
  // A text or a bigint of digits compares as a number does, and adds up to something else.
  if (typeof eventTimeMs !== 'number')
    return refused('wrong-type', `eventTimeMs: expected a number, got ${shown(came)}`)
  if (eventTimeMs >= MIN_EVENT_TIME_MS && eventTimeMs < END_OF_EVENT_TIME_MS) return undefined
  if (Number.isNaN(eventTimeMs)) return refused('not-finite', `eventTimeMs is ${shown(came)}`)
  if (eventTimeMs < 0) return refused('negative', `eventTimeMs: at least 0, got ${shown(came)}`)
  if (eventTimeMs === 0) return refused('event-time-zero', 'eventTimeMs is 0')
  if (eventTimeMs < MIN_EVENT_TIME_MS) return otherUnit('event-time-seconds', 'seconds', came)
  for (const [unit, reason, aMillisecond] of FINER_UNITS) {
    const ms = eventTimeMs / aMillisecond
    if (ms >= MIN_EVENT_TIME_MS && ms < END_OF_EVENT_TIME_MS) return otherUnit(reason, unit, came)
  }
  return refused('event-time-future', `eventTimeMs: below ${END_OF_EVENT_TIME_MS}, got ${shown(came)}`)
}

/** The reason to refuse an event time that is too far ahead of the clock. */
export function checkedAhead(eventTimeMs: number, nowMs: number): Refused | undefined {
  if (!(eventTimeMs > nowMs + MAX_AHEAD_MS)) return undefined
  return refused(
    'event-time-future',
    `eventTimeMs: at most ${MAX_AHEAD_MS} ms ahead of the clock, got ${eventTimeMs}, ${eventTimeMs - nowMs} ms ahead`,
  )
}

function otherUnit(reason: PriceRefusal, unit: string, came: unknown): Refused {
  return refused(reason, `eventTimeMs: expected milliseconds since 1970, got ${shown(came)}, which looks like ${unit}`)
}
