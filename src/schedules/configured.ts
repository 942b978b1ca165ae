import type { Calendar } from './calendar.ts'
import { beforeOpenings } from './openings.ts'
import { overlapOf } from './overlap.ts'
import { defaultSchedules, PRE_MARKET_CRON, SCHEDULE_NAMES, type WarmSchedule } from './schedule.ts'
import {
  fieldFaults,
  OWN_FIELDS,
  type ScheduleFault,
  type ScheduleFields,
  SESSION_FIELDS,
  START_FIELDS,
  TIMED_FIELDS,
} from './schedule-fields.ts'
import { cron, every, parseDuration, type Timing } from './timing.ts'

/** What the settings say of schedules. */
export interface ScheduleSettings {
  readonly enabled: boolean
  readonly startUp: ScheduleFields | undefined
  readonly popular: ScheduleFields | undefined
  readonly timeOfDay: ScheduleFields | undefined
  readonly trending: ScheduleFields | undefined
  readonly sectorRotation: ScheduleFields | undefined
  readonly preMarket: ScheduleFields | undefined
  readonly sessions: ScheduleFields | undefined
  readonly own: Readonly<Record<string, ScheduleFields>> | undefined
}

/** A fault, with the key of its setting. */
export interface KeyedFault extends ScheduleFault {
  readonly key: keyof ScheduleSettings
}

const NAME = /^[a-z][a-z0-9-]{0,63}$/
const MAX_OWN = 20

/** Makes the schedules that are set, or says all that is wrong with them. Nothing is enabled if schedules are off. */
export function configuredSchedules(
  schedules: ScheduleSettings,
  calendar: Calendar,
): { readonly schedules: readonly WarmSchedule[]; readonly faults: readonly KeyedFault[] } {
  const { enabled, startUp, popular, timeOfDay, trending, sectorRotation, preMarket, sessions, own } = schedules
  const named = { startUp, popular, timeOfDay, trending, sectorRotation, preMarket, sessions }
  const faults: KeyedFault[] = []
  const defaults = defaultSchedules(calendar)
  const made: (readonly [key: keyof ScheduleSettings, schedule: WarmSchedule])[] = []
  for (const [at, key] of KEYS.entries()) {
    const fields = named[key] ?? {}
    const found = fieldFaults(fields, fieldsOf(key), key === 'preMarket' ? PRE_MARKET_CRON : undefined)
    faults.push(...found.map((fault) => ({ ...fault, key })))
    const name = SCHEDULE_NAMES[at]
    if (found.length === 0 && name !== undefined) made.push([key, changed(defaults[name], fields, calendar)])
  }
  const owned = Object.entries(own ?? {})
  if (owned.length > MAX_OWN)
    faults.push({ key: 'own', received: `${owned.length} schedules`, allowed: `at most ${MAX_OWN}` })
  for (const [name, fields] of owned.slice(0, MAX_OWN)) {
    const found = ownFaults(name, fields)
    faults.push(...found.map((fault) => ({ ...fault, key: 'own' as const, received: `${name}: ${fault.received}` })))
    if (found.length === 0) made.push(['own', ownSchedule(name, fields)])
  }
  faults.push(...overlaps(made))
  return { schedules: made.map(([, each]) => ({ ...each, isEnabled: each.isEnabled && enabled })), faults }
}

/** In the order of SCHEDULE_NAMES. */
const KEYS = ['startUp', 'popular', 'timeOfDay', 'trending', 'sectorRotation', 'preMarket', 'sessions'] as const

function fieldsOf(key: (typeof KEYS)[number]) {
  if (key === 'startUp') return START_FIELDS
  return key === 'sessions' ? SESSION_FIELDS : TIMED_FIELDS
}

function changed(schedule: WarmSchedule, fields: ScheduleFields, calendar: Calendar): WarmSchedule {
  const { enabled = true, limit, priority } = fields
  const asks = limit === undefined ? schedule.asks : schedule.asks.map((ask) => ({ ...ask, limit }))
  const timing = timingOf(fields, calendar) ?? schedule.timing
  return { ...schedule, timing, asks, isEnabled: enabled, ...(priority && { priority }) }
}

function ownSchedule(name: string, fields: ScheduleFields): WarmSchedule {
  const { strategy = 'popular', limit, priority, enabled = true } = fields
  const asks = [{ strategy, ...(limit !== undefined && { limit }) }]
  return {
    name,
    timing: timingOf(fields, {}) ?? every(DAY_MS),
    asks,
    isEnabled: enabled,
    ...(priority && { priority }),
  }
}

const DAY_MS = 86_400_000

/** Undefined if nothing is said about it. */
function timingOf(
  { every: interval, cron: pattern, timeZone, before }: ScheduleFields,
  calendar: Calendar,
): Timing | undefined {
  if (interval !== undefined) return every(parseDuration(interval) ?? DAY_MS)
  if (before !== undefined) return beforeOpenings(parseDuration(before) ?? DAY_MS, calendar)
  return pattern === undefined && timeZone === undefined ? undefined : cron(pattern ?? PRE_MARKET_CRON, timeZone)
}

function ownFaults(name: string, fields: unknown): readonly ScheduleFault[] {
  if (!NAME.test(name))
    return [{ received: 'the name', allowed: 'up to 64 lower-case letters, digits and hyphens, a letter first' }]
  if (SCHEDULE_NAMES.some((each) => each === name))
    return [{ received: 'the name', allowed: 'a name that is none of the schedules that are there anyway' }]
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields))
    return [{ received: JSON.stringify(fields), allowed: `an object with ${OWN_FIELDS.join(', ')}` }]
  return fieldFaults(fields, OWN_FIELDS)
}

/** Two schedules must not ask for the same at the same time. */
function overlaps(made: readonly (readonly [key: keyof ScheduleSettings, schedule: WarmSchedule])[]): KeyedFault[] {
  return made.flatMap(([key, schedule], at) => {
    if (key !== 'own') return []
    for (const [, other] of made.slice(0, at)) {
      const overlapMs = overlapOf(schedule, other)
      if (overlapMs === undefined) continue
      const received = `${schedule.name}: a run at ${new Date(overlapMs).toISOString().slice(0, 16)}Z, as ${other.name} has one`
      const allowed = `times that no other schedule of the strategy ${schedule.asks[0]?.strategy} has`
      return [{ key, received, allowed }]
    }
    return []
  })
}
