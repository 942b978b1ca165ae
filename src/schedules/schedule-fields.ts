import { PRIORITIES, PROPOSING_STRATEGIES, type Priority, type ProposingStrategy } from '../../schemas/warm-request.ts'
import { nearest } from '../nearest.ts'
import { cronFault, isTimeZone, MINUTE_MS, parseDuration } from './timing.ts'

/** What is set about a schedule. */
export interface ScheduleFields {
  readonly enabled?: boolean
  /** An interval, counted from 1970-01-01 00:00 UTC: 15m, 2h, 1d. */
  readonly every?: string
  /** Five fields of cron, in local time of `timeZone`. */
  readonly cron?: string
  /** A name of the IANA database. Default: UTC. */
  readonly timeZone?: string
  /** The most pairs. */
  readonly limit?: number
  readonly priority?: Priority
  /** How long before an opening: up to 60m. */
  readonly before?: string
  readonly strategy?: ProposingStrategy
}

/** What is wrong with a schedule. */
export interface ScheduleFault {
  readonly received: string
  readonly allowed: string
}

type Field = keyof ScheduleFields

const MAX_LIMIT = 1_000
const HOUR_MS = 60 * MINUTE_MS

/** The fields of a schedule that runs at times of its own; of the one at start; of sessions; of one of the user's own. */
export const TIMED_FIELDS: readonly Field[] = ['enabled', 'every', 'cron', 'timeZone', 'limit', 'priority']
export const START_FIELDS: readonly Field[] = ['enabled', 'limit', 'priority']
export const SESSION_FIELDS: readonly Field[] = ['enabled', 'before', 'limit', 'priority']
export const OWN_FIELDS: readonly Field[] = ['strategy', ...TIMED_FIELDS]

const CHECKS: Readonly<Record<Field, (value: unknown) => ScheduleFault | undefined>> = {
  enabled: (value) => unless(typeof value === 'boolean', value, 'true or false'),
  every: (value) => unless(parsed(value) !== undefined, value, 'a whole number of minutes, hours or days: 15m, 2h, 1d'),
  cron: (value) => {
    if (typeof value !== 'string') return unless(false, value, CRON_WORDS)
    const fault = cronFault(value)
    return fault === undefined ? undefined : { received: `${JSON.stringify(value)}, ${fault}`, allowed: CRON_WORDS }
  },
  timeZone: (value) => {
    if (typeof value === 'string' && isTimeZone(value)) return undefined
    const meant = typeof value === 'string' ? nearest(value, Intl.supportedValuesOf('timeZone')) : undefined
    return unless(false, value, meant === undefined ? 'a time zone such as Europe/London' : `did you mean ${meant}?`)
  },
  limit: (value) => unless(isLimit(value), value, `a whole number from 1 to ${MAX_LIMIT}`),
  priority: (value) =>
    unless(
      PRIORITIES.some((each) => each === value),
      value,
      PRIORITIES.join(' | '),
    ),
  before: (value) => unless((parsed(value) ?? Number.NaN) <= HOUR_MS, value, 'whole minutes from 1m to 60m'),
  strategy: (value) =>
    unless(
      PROPOSING_STRATEGIES.some((each) => each === value),
      value,
      PROPOSING_STRATEGIES.join(' | '),
    ),
}
const CRON_WORDS = 'five fields that come: minute, hour, day of the month, month, day of the week'

/** What is wrong with the fields of one schedule, each in one sentence. `cron`: its times if nothing is set. */
export function fieldFaults(fields: object, known: readonly Field[], cron?: string): readonly ScheduleFault[] {
  const faults = Object.entries(fields).flatMap(([name, value]): ScheduleFault[] => {
    const field = known.find((each) => each === name)
    if (field === undefined) return [unknownField(name, known)]
    const fault = value === undefined ? undefined : CHECKS[field](value)
    return fault === undefined ? [] : [{ received: `${name}: ${fault.received}`, allowed: `${name}: ${fault.allowed}` }]
  })
  return faults.length > 0 ? faults : together(fields, known, cron)
}

function unknownField(name: string, known: readonly Field[]): ScheduleFault {
  const meant = nearest(name, known)
  const allowed = meant === undefined ? `fields of ${known.join(', ')}` : `did you mean ${meant}?`
  return { received: `an unknown field ${JSON.stringify(name)}`, allowed }
}

function together(fields: ScheduleFields, known: readonly Field[], cron: string | undefined): readonly ScheduleFault[] {
  const isOwn = known === OWN_FIELDS
  if (isOwn && fields.strategy === undefined)
    return [{ received: 'no strategy', allowed: `strategy: ${PROPOSING_STRATEGIES.join(' | ')}` }]
  if (fields.every !== undefined && fields.cron !== undefined)
    return [{ received: 'every and cron', allowed: 'one of them' }]
  if (isOwn && fields.every === undefined && fields.cron === undefined)
    return [{ received: 'neither every nor cron', allowed: 'one of them' }]
  const hasCron = fields.cron !== undefined || (cron !== undefined && fields.every === undefined)
  if (fields.timeZone === undefined || hasCron) return []
  return [
    { received: 'timeZone without cron', allowed: 'cron with it: intervals are counted from 1970-01-01 00:00 UTC' },
  ]
}

function parsed(value: unknown): number | undefined {
  return typeof value === 'string' ? parseDuration(value) : undefined
}

function isLimit(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= MAX_LIMIT
}

function unless(isAllowed: boolean, value: unknown, allowed: string): ScheduleFault | undefined {
  return isAllowed ? undefined : { received: JSON.stringify(value) ?? typeof value, allowed }
}
