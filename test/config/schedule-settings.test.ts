import { describe, expect, test } from '@jest/globals'
import { loadConfig } from '../../src/config/load.ts'
import { describeProblems } from '../../src/config/problem.ts'

function load(schedules: object, others: { env?: Record<string, string>; files?: Record<string, string> } = {}) {
  const files: Record<string, string> = {
    'forewarm.config.json': JSON.stringify({ schedules }),
    ...others.files,
  }
  return loadConfig({ env: others.env ?? {}, readFile: (path) => files[path] })
}

function loaded(...given: Parameters<typeof load>) {
  const outcome = load(...given)
  if (outcome.status === 'refused') throw new Error(describeProblems(outcome.problems))
  return outcome
}

function refused(...given: Parameters<typeof load>): string {
  const outcome = load(...given)
  return outcome.status === 'refused' ? describeProblems(outcome.problems) : 'loaded'
}

function inWords(...given: Parameters<typeof load>): readonly string[] {
  return loaded(...given).schedules.map(({ name, timing, asks, isEnabled, priority }) =>
    [
      ...[name, timing.words, asks.map(({ strategy, limit }) => [strategy, limit].join(' ').trim()).join(' + ')],
      ...(priority === undefined ? [] : [priority]),
      ...(isEnabled ? [] : ['off']),
    ].join(', '),
  )
}

describe('the schedules of a service', () => {
  test('are these if nothing is set', () => {
    expect(inWords({})).toEqual([
      'start-up, at start, popular + time_of_day',
      'popular, every 30m, popular',
      'time-of-day, every 1h, time_of_day',
      'trending, every 1h, trending',
      'sector-rotation, every 1h, sector_rotation',
      'pre-market, 30 8 * * * in UTC, pattern 200',
      'sessions, 15m before each session opens, market_open',
    ])
  })

  test('take what the file says of them', () => {
    const words = inWords({
      startUp: { enabled: false },
      popular: { every: '10m', limit: 500, priority: 'high' },
      timeOfDay: { cron: '50 * * * *' },
      preMarket: { timeZone: 'America/New_York' },
      sessions: { before: '5m', limit: 20 },
      own: { asia: { strategy: 'popular', cron: '5 9 * * 1-5', timeZone: 'Asia/Tokyo', limit: 50 } },
    })
    expect(words).toEqual([
      'start-up, at start, popular + time_of_day, off',
      'popular, every 10m, popular 500, high',
      'time-of-day, 50 * * * * in UTC, time_of_day',
      'trending, every 1h, trending',
      'sector-rotation, every 1h, sector_rotation',
      'pre-market, 30 8 * * * in America/New_York, pattern 200',
      'sessions, 5m before each session opens, market_open 20',
      'asia, 5 9 * * 1-5 in Asia/Tokyo, popular 50',
    ])
  })

  test('can be set in the environment, and are all off with SCHEDULES_ENABLED=false', () => {
    expect(inWords({}, { env: { SCHEDULE_POPULAR: '{"every":"2h"}' } })).toContain('popular, every 2h, popular')
    const { schedules } = loaded({}, { env: { SCHEDULES_ENABLED: 'false' } })
    expect(schedules.filter(({ isEnabled }) => isEnabled)).toEqual([])
  })

  test('leave out sessions on the days of the calendar file', () => {
    const files = { 'days.json': '{ "all": ["2026-07-01"] }' }
    const next = (...given: Parameters<typeof load>) => {
      const sessions = loaded(...given).schedules.find(({ name }) => name === 'sessions')
      const nextMs = sessions?.timing.next(Date.parse('2026-06-30T23:00Z')) ?? Number.NaN
      return new Date(nextMs).toISOString().slice(0, 16)
    }
    expect(next({})).toBe('2026-06-30T23:45')
    expect(next({ calendar: 'days.json' }, { files })).toBe('2026-07-01T21:45')
  })
})

describe('a schedule is refused in one sentence', () => {
  test.each([
    [{ cron: '0 0 31 2 *' }, 'got cron: "0 0 31 2 *", which never comes; allowed: cron: five fields that come: '],
    [{ cron: '61 * * * *' }, 'got cron: "61 * * * *", which cannot be read: Invalid value for minute: 61; allowed: '],
    [{ cron: '0 0 12 * * *' }, 'got cron: "0 0 12 * * *", which has not five fields; allowed: cron: five fields'],
    [{ cron: '2026-12-25T00:00:00' }, 'got cron: "2026-12-25T00:00:00", which has not five fields; allowed: '],
    [{ cron: 5 }, 'got cron: 5; allowed: cron: five fields that come: minute, hour, day of the month, month, day of t'],
    [
      { cron: '0 9 * * *', timeZone: 'Europe/Londn' },
      'got timeZone: "Europe/Londn"; allowed: timeZone: did you mean Europe/London?',
    ],
    [
      { cron: '0 9 * * *', timeZone: 'Mars/Olympus' },
      'got timeZone: "Mars/Olympus"; allowed: timeZone: a time zone such as Europe/London',
    ],
    [{ every: '30' }, 'got every: "30"; allowed: every: a whole number of minutes, hours or days: 15m, 2h, 1d'],
    [{ every: '0m' }, 'got every: "0m"; allowed: every: a whole number of minutes, hours or days: 15m, 2h, 1d'],
    [{ every: '30m', cron: '* * * * *' }, 'got every and cron; allowed: one of them'],
    [
      { every: '30m', timeZone: 'Asia/Tokyo' },
      'got timeZone without cron; allowed: cron with it: intervals are counted from 1970-01-01 00:00 UTC',
    ],
    [{ timeZone: 'Asia/Tokyo' }, 'got timeZone without cron; allowed: cron with it: '],
    [{ limit: 0 }, 'got limit: 0; allowed: limit: a whole number from 1 to 1000'],
    [{ limit: 1.5 }, 'got limit: 1.5; allowed: limit: a whole number from 1 to 1000'],
    [{ limit: '100' }, 'got limit: "100"; allowed: limit: a whole number from 1 to 1000'],
    [{ enabled: 'yes' }, 'got enabled: "yes"; allowed: enabled: true or false'],
    [{ priority: 'urgent' }, 'got priority: "urgent"; allowed: priority: critical | high | medium | low'],
    [{ evry: '30m' }, 'got an unknown field "evry"; allowed: did you mean every?'],
    [
      { before: '5m' },
      'got an unknown field "before"; allowed: fields of enabled, every, cron, timeZone, limit, priority',
    ],
  ])('as %j', (popular, sentence) => {
    const problems = refused({ popular })
    expect(problems).toContain(`schedules.popular (file): ${sentence}`)
    expect(problems.split('\n')).toHaveLength(1)
  })

  test.each([
    ['[]', 'schedules.popular (file): got []; allowed: a JSON object with enabled, every, cron'],
    ['"30m"', 'schedules.popular (file): got "30m"; allowed: a JSON object with enabled, every, cron'],
  ])('as %s', (popular, sentence) => {
    expect(refused({ popular: JSON.parse(popular) })).toContain(sentence)
  })

  test('if it is set by the environment, with the name that it has there', () => {
    expect(refused({}, { env: { SCHEDULE_TRENDING: '{"limit":0}' } })).toBe(
      'SCHEDULE_TRENDING (environment): got limit: 0; allowed: limit: a whole number from 1 to 1000',
    )
  })

  test.each([
    [{ cron: '0 9 * * *' }, 'an unknown field "cron"; allowed: fields of enabled, before, limit, priority'],
    [{ before: '2h' }, 'before: "2h"; allowed: before: whole minutes from 1m to 60m'],
  ])('for sessions, which have times of their own, as %j', (sessions, sentence) => {
    expect(refused({ sessions })).toBe(`schedules.sessions (file): got ${sentence}`)
  })
})

describe('a schedule of one’s own is refused in one sentence', () => {
  test.each([
    ['popular', { strategy: 'popular', every: '1d' }, 'popular: the name; allowed: a name that is none of the sched'],
    ['Asia', { strategy: 'popular', every: '1d' }, 'Asia: the name; allowed: up to 64 lower-case letters, digits'],
    ['asia', { every: '1d' }, 'asia: no strategy; allowed: strategy: market_open | popular'],
    ['asia', { strategy: 'on_demand', every: '1d' }, 'asia: strategy: "on_demand"; allowed: strategy: market_open'],
    ['asia', { strategy: 'popular' }, 'asia: neither every nor cron; allowed: one of them'],
    ['asia', 5, 'asia: 5; allowed: an object with strategy, enabled'],
  ])('as %s: %j', (name, fields, sentence) => {
    expect(refused({ own: { [name]: fields } })).toContain(`schedules.own (file): got ${sentence}`)
  })

  test('if it comes at the same time as another one of the strategy, in whatever time zone', () => {
    const asia = { strategy: 'popular', cron: '0 9 * * *', timeZone: 'Asia/Tokyo' }
    expect(refused({ own: { asia } })).toBe(
      'schedules.own (file): got asia: a run at 2028-01-01T00:00Z, as popular has one; allowed: times that no other schedule of the strategy popular has',
    )
    expect(refused({ own: { asia }, popular: { enabled: false } })).toBe('loaded')
    expect(refused({ own: { asia: { ...asia, enabled: false } } })).toBe('loaded')
    expect(refused({ own: { asia: { ...asia, strategy: 'pattern' } } })).toBe('loaded')
  })

  test('if it meets another one on a single day, as when clocks change', () => {
    const own = {
      winter: { strategy: 'pattern', cron: '15 12 1 1 *' },
      'new-york': { strategy: 'pattern', cron: '15 7 * * *', timeZone: 'America/New_York' },
    }
    expect(refused({ own })).toContain('new-york: a run at 2028-01-01T12:15Z, as winter has one')
    expect(refused({ own: { ...own, winter: { strategy: 'pattern', cron: '15 12 1 7 *' } } })).toBe('loaded')
  })

  test('if there are too many', () => {
    const own = Object.fromEntries(
      Array.from({ length: 21 }, (_, n) => [`own-${n}`, { strategy: 'trending', cron: `${n + 1} 1 1 1 *` }]),
    )
    expect(refused({ own })).toBe('schedules.own (file): got 21 schedules; allowed: at most 20')
  })
})

describe('a calendar is refused in one sentence', () => {
  test.each([
    [undefined, 'days.json, which cannot be read'],
    ['{', 'days.json: no JSON: '],
    ['{ "all": ["2026-02-30"] }', 'days.json: "2026-02-30" at "all", which is no day'],
    ['{ "paris": [] }', 'days.json: the key "paris", which is none of all, sydney, tokyo, london, new-york'],
  ])('as %s', (text, sentence) => {
    const problems = refused({ calendar: 'days.json' }, text === undefined ? {} : { files: { 'days.json': text } })
    expect(problems).toContain(`schedules.calendar (file): got ${sentence}`)
    expect(problems).toMatch(/; allowed: a file of days by session, such as \{"all":\["2026-12-25"\]\}$/)
  })
})

test('a node without the role warm says that it runs no schedules, if any is set', () => {
  const env = { FOREWARM_ROLES: 'api' }
  expect(loaded({ popular: { every: '1h' } }, { env }).warnings).toEqual([
    'SCHEDULE_POPULAR is set, but FOREWARM_ROLES has not warm: this node runs no schedules',
  ])
  expect(loaded({}, { env }).warnings).toEqual([])
  expect(loaded({ popular: { every: '1h' } }).warnings).toEqual([])
})

test('a grace time in which no successor can come is refused', () => {
  const late = { env: { SCHEDULES_GRACE_MS: '10000' } }
  expect(refused({}, late)).toContain('more than KAFKA_SESSION_TIMEOUT_MS, which is 10000')
  expect(refused({}, { env: { ...late.env, KAFKA_SESSION_TIMEOUT_MS: '9999' } })).toBe('loaded')
  const longSession = { KAFKA_SESSION_TIMEOUT_MS: '60000' }
  expect(refused({}, { env: longSession })).toContain('more than KAFKA_SESSION_TIMEOUT_MS, which is 60000')
  expect(refused({}, { env: { ...longSession, SCHEDULES_ENABLED: 'off' } })).toBe('loaded')
})
