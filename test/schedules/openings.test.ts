import { describe, expect, test } from '@jest/globals'
import { parseCalendar } from '../../src/schedules/calendar.ts'
import { beforeOpenings, nextOpeningAfter } from '../../src/schedules/openings.ts'
import { runsBetween } from '../../src/schedules/timing.ts'

/** The openings from `from` until before `until`, as `tokyo 2026-07-01T00`. */
function openings(from: string, until: string, closed: object = {}): readonly string[] {
  const calendar = parseCalendar(JSON.stringify(closed))
  if ('fault' in calendar) throw new Error(`${calendar.fault}`)
  const found: string[] = []
  let next = nextOpeningAfter(Date.parse(from) - 1, calendar)
  while (next !== undefined && next.openingMs < Date.parse(until)) {
    found.push(`${next.session.name} ${new Date(next.openingMs).toISOString().slice(0, 13)}`)
    next = nextOpeningAfter(next.openingMs, calendar)
  }
  return found
}

describe('the trading sessions', () => {
  test('open in their order on a working day', () => {
    expect(openings('2026-07-01T00:00Z', '2026-07-02T00:00Z')).toEqual([
      'tokyo 2026-07-01T00',
      'london 2026-07-01T08',
      'new-york 2026-07-01T13',
      'sydney 2026-07-01T22',
    ])
  })

  test('are closed at the weekend, from New York on Friday to Sydney on Sunday at 22:00 UTC', () => {
    expect(openings('2026-07-03T12:00Z', '2026-07-06T01:00Z')).toEqual([
      'new-york 2026-07-03T13',
      'sydney 2026-07-05T22',
      'tokyo 2026-07-06T00',
    ])
  })

  test('are closed on the days of the calendar, as these are where each is traded', () => {
    const closed = { all: ['2026-12-25'], tokyo: ['2026-12-24'] }
    // It is Christmas in Sydney when it opens on the 24th by UTC.
    expect(openings('2026-12-24T00:00Z', '2026-12-28T00:00Z', closed)).toEqual([
      'london 2026-12-24T08',
      'new-york 2026-12-24T13',
      'sydney 2026-12-27T22',
    ])
  })

  test('never open with a calendar that closes all days', () => {
    const days = Array.from({ length: 500 }, (_, day) =>
      new Date(Date.parse('2026-07-01') + day * 86_400_000).toISOString().slice(0, 10),
    )
    expect(openings('2026-07-01T00:00Z', '2029-01-01T00:00Z', { all: days })).toEqual([])
  })

  test('are warmed so long before they open', () => {
    const timing = beforeOpenings(900_000, {})
    const runs = runsBetween(timing, Date.parse('2026-07-03T12:45Z'), Date.parse('2026-07-05T23:45Z'))
    expect(runs.map((ms) => new Date(ms).toISOString())).toEqual([
      '2026-07-05T21:45:00.000Z',
      '2026-07-05T23:45:00.000Z',
    ])
    expect(timing.words).toBe('15m before each session opens')
  })
})

test.each([
  ['{ "all": [ }', /^no JSON: /],
  ['[]', 'JSON, but not an object'],
  ['{ "berlin": [] }', 'the key "berlin", which is none of all, sydney, tokyo, london, new-york'],
  ['{ "tokyo": "2026-12-25" }', 'no list of days at "tokyo"'],
  ['{ "tokyo": ["2026-02-30"] }', '"2026-02-30" at "tokyo", which is no day'],
  ['{ "tokyo": ["25.12.2026"] }', '"25.12.2026" at "tokyo", which is no day'],
  ['{ "tokyo": [20261225] }', '20261225 at "tokyo", which is no day'],
])('the calendar %s is refused with what is wrong with it', (text, fault) => {
  const outcome = parseCalendar(text)
  if (typeof fault === 'string') expect(outcome).toEqual({ fault })
  else expect(outcome).toMatchObject({ fault: expect.stringMatching(fault) })
})
