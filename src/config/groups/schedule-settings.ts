import type { ScheduleFields } from '../../schedules/schedule-fields.ts'
import { OWN_FIELDS, SESSION_FIELDS, START_FIELDS, TIMED_FIELDS } from '../../schedules/schedule-fields.ts'
import { jsonObject, text } from '../check.ts'
import { atStart, onOff, optional, whole } from '../setting.ts'

function fields(name: string, known: readonly string[], doc: string) {
  return optional({ name, check: jsonObject<ScheduleFields>(`a JSON object with ${known.join(', ')}`), doc })
}

/** When history is asked for pairs to warm: once for all nodes of a service. */
export const SCHEDULE_SETTINGS = atStart('the nodes of a service agree on them by their starts', {
  enabled: onOff('SCHEDULES_ENABLED', true, 'Off: no schedule warms anything.'),
  startUp: fields(
    'SCHEDULE_START_UP',
    START_FIELDS,
    'Warms popular pairs, and those usual at this hour, when the service starts.',
  ),
  popular: fields(
    'SCHEDULE_POPULAR',
    TIMED_FIELDS,
    'Warms the pairs that are read most. Default: `{"every":"30m"}`, WARMING_POPULAR_LIMIT pairs.',
  ),
  timeOfDay: fields(
    'SCHEDULE_TIME_OF_DAY',
    TIMED_FIELDS,
    'Warms the pairs that are usually read in the next hour of the day. Default: `{"every":"1h"}`, 100 pairs.',
  ),
  trending: fields(
    'SCHEDULE_TRENDING',
    TIMED_FIELDS,
    'Warms the pairs that are read more and more, by the last 24 hours. Default: `{"every":"1h"}`, 100 pairs.',
  ),
  sectorRotation: fields(
    'SCHEDULE_SECTOR_ROTATION',
    TIMED_FIELDS,
    'Warms the pairs of groups that are read more and more. Default: `{"every":"1h"}`, 100 pairs.',
  ),
  preMarket: fields(
    'SCHEDULE_PRE_MARKET',
    TIMED_FIELDS,
    'Warms the pairs that are forecast for the next hour, once a day. Default: `{"cron":"30 8 * * *","limit":200}`.',
  ),
  sessions: fields(
    'SCHEDULE_SESSIONS',
    SESSION_FIELDS,
    'Warms the pairs of a trading session before it opens: Sydney 22:00, Tokyo 00:00, London 08:00, New York 13:00 UTC, on working days there. Default: `{"before":"15m"}`, 100 pairs.',
  ),
  own: optional({
    name: 'SCHEDULES_OWN',
    check: jsonObject<Readonly<Record<string, ScheduleFields>>>(
      `a JSON object of schedules by name, each with ${OWN_FIELDS.join(', ')}`,
    ),
    doc: 'Further schedules, for example `{"asia":{"strategy":"popular","cron":"5 9 * * 1-5","timeZone":"Asia/Tokyo"}}`.',
  }),
  calendar: optional({
    name: 'SCHEDULES_CALENDAR',
    check: text('the path of a JSON file', /^[^\0]{1,4096}$/),
    doc: 'The file of days on which sessions do not open, for example `{"all":["2026-12-25"],"tokyo":["2026-12-31"]}`. A day is that of the place: it is the 25th in Sydney when it opens on the 24th at 22:00 UTC. Without it, only weekends are closed.',
  }),
  graceMs: whole(
    'SCHEDULES_GRACE_MS',
    [1_000, 3_600_000, 60_000],
    'How late a run may begin, in milliseconds, as after the loss of the node that leads. It is never more than half the time to the next run.',
  ),
})
