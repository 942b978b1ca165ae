import { expect, test } from '@jest/globals'
import type { Timed } from '../../src/schedules/course.ts'
import { beforeOpenings } from '../../src/schedules/openings.ts'
import { cron, every } from '../../src/schedules/timing.ts'
import { idOf, LedEngines, STEP_MS, scheduledOf } from './led-engines.ts'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

/** A time of the day in a zone; or the minutes of each hour. */
type Local = { readonly zone: string } & ({ readonly at: string } | { readonly minutes: readonly number[] })

const LOCAL: Readonly<Record<string, Local>> = {
  berlin: { zone: 'Europe/Berlin', at: '02:30' },
  'new-york': { zone: 'America/New_York', at: '02:30' },
  'new-york-twice': { zone: 'America/New_York', at: '01:30' },
  sydney: { zone: 'Australia/Sydney', at: '02:30' },
  'lord-howe': { zone: 'Australia/Lord_Howe', at: '01:45' },
  kolkata: { zone: 'Asia/Kolkata', at: '09:15' },
  london: { zone: 'Europe/London', minutes: [0, 15, 30, 45] },
  adelaide: { zone: 'Australia/Adelaide', minutes: [10] },
}

const SCHEDULES: readonly Timed[] = [
  { name: 'popular', timing: every(30 * MINUTE_MS) },
  { name: 'sessions', timing: beforeOpenings(15 * MINUTE_MS, {}) },
  ...Object.entries(LOCAL).map(([name, local]) => ({ name, timing: cron(patternOf(local), local.zone) })),
]

function patternOf(local: Local): string {
  if ('minutes' in local) return `${local.minutes.join(',')} * * * *`
  const [hour, minute] = local.at.split(':').map(Number)
  return `${minute} ${hour} * * *`
}

/**
 * The runs of these days as one finds them who looks at a clock on the wall each minute. A time of the day is due when the
 * clock first shows it or a later one.
 */
function expected(fromMs: number, untilMs: number): readonly string[] {
  const found = new Set<string>()
  for (const [name, local] of Object.entries(LOCAL)) {
    const format = new Intl.DateTimeFormat('en-CA', {
      ...{ timeZone: local.zone, dateStyle: 'short', timeStyle: 'short', hourCycle: 'h23' },
    })
    const shownDays = new Set<string>()
    for (let ms = fromMs - DAY_MS; ms <= untilMs; ms += MINUTE_MS) {
      const [day = '', time = ''] = format.format(ms).split(', ')
      const isDue =
        'minutes' in local ? local.minutes.includes(Number(time.slice(3))) : time >= local.at && !shownDays.has(day)
      if (isDue && ms > fromMs) found.add(idOf(name, ms))
      if (isDue) shownDays.add(day)
    }
  }
  for (let ms = fromMs + MINUTE_MS; ms <= untilMs; ms += MINUTE_MS) {
    if (ms % (30 * MINUTE_MS) === 0) found.add(idOf('popular', ms))
    const opening = new Date(ms + 15 * MINUTE_MS).toISOString().slice(11, 16)
    const weekday = new Date(ms + 15 * MINUTE_MS).getUTCDay()
    // In Sydney it is the next day.
    const days = opening === '22:00' ? [0, 1, 2, 3, 4] : [1, 2, 3, 4, 5]
    if (['00:00', '08:00', '13:00', '22:00'].includes(opening) && days.includes(weekday))
      found.add(idOf('sessions', ms))
  }
  return [...found].sort()
}

/** How long before or after a full hour the leader is killed. */
const KILLS = {
  'before a run': -5_000,
  'in a run, before it has asked': STEP_MS / 2,
  'in a run, after it has asked': 1.5 * STEP_MS,
} as const

/** Beginnings of weeks in which clocks change; in the first one Europe goes forward, and then Australia back. */
const WEEKS: readonly (readonly [week: string, kill: keyof typeof KILLS])[] = [
  ['2026-03-28T12:00Z', 'before a run'],
  ['2026-03-28T12:00Z', 'in a run, before it has asked'],
  ['2026-03-28T12:00Z', 'in a run, after it has asked'],
  ['2026-03-05T12:00Z', 'in a run, before it has asked'],
  ['2026-10-01T12:00Z', 'before a run'],
  ['2026-10-24T12:00Z', 'in a run, after it has asked'],
  ['2026-10-28T12:00Z', 'before a run'],
]

test.each(WEEKS)(
  'in the week from %s, three engines run everything at its minute, once, though the leader is killed twice: %s',
  async (week, kill) => {
    const startMs = Date.parse(week)
    const engines = new LedEngines(SCHEDULES, startMs)
    for (const skewMs of [0, 300, -200]) engines.addMember(skewMs)
    for (const days of [1.5, 4]) {
      await engines.timer.advance(startMs + days * DAY_MS + KILLS[kill] - engines.clock.now())
      engines.killLeader(100)
    }
    const endMs = startMs + 7 * DAY_MS + MINUTE_MS
    await engines.timer.advance(endMs - engines.clock.now())
    engines.stop()
    expect([...engines.carriedOut.keys()].sort()).toEqual(expected(startMs, endMs))
    const late = [...engines.carriedOut].filter(([id, atMs]) => Math.abs(atMs - scheduledOf(id)) > MINUTE_MS)
    expect(late).toEqual([])
    // A leader asked and died, so that its successor asked again under the same id.
    if (KILLS[kill] > STEP_MS) expect(engines.repeated).toBeGreaterThanOrEqual(2)
    else expect(engines.repeated).toBe(0)
  },
)

test('an outage of the whole service is not made up', async () => {
  const startMs = Date.parse('2026-07-01T00:10Z')
  const engines = new LedEngines([{ name: 'popular', timing: every(30 * MINUTE_MS) }], startMs)
  engines.addMember(0)
  await engines.timer.advance(15 * MINUTE_MS)
  engines.killLeader(0)
  // It comes back five minutes later, half a minute after the run.
  await engines.timer.advance(4.5 * MINUTE_MS + 30_000)
  await engines.timer.advance(45 * MINUTE_MS)
  engines.stop()
  expect([...engines.carriedOut.keys()]).toEqual(['2026-07-01T01:00 popular'])
})
