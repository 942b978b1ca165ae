import { expect, test } from '@jest/globals'
import {
  isOfCurrency,
  isOpenAt,
  nextOpening,
  SESSIONS,
  type Session,
  sessionPairs,
  tieTo,
} from '../../src/prediction/sessions.ts'
import { historyOf, MONDAY } from './histories.ts'

const WEEK = 168

function session(name: Session['name']): Session {
  const found = SESSIONS.find((each) => each.name === name)
  if (found === undefined) throw new Error(name)
  return found
}

test.each([
  ['sydney', 22, true],
  ['sydney', 6, true],
  ['sydney', 7, false],
  ['tokyo', 0, true],
  ['tokyo', 9, false],
  ['london', 7, false],
  ['london', 8, true],
  ['new-york', 21, true],
  ['new-york', 22, false],
] as const)('the session of %s is open at %d o’clock: %s', (name, hour, isOpen) => {
  expect(isOpenAt(session(name), MONDAY + hour)).toBe(isOpen)
})

test('an hour in which two sessions overlap belongs to both', () => {
  const open = SESSIONS.filter((each) => isOpenAt(each, MONDAY + 14))
  expect(open.map(({ name }) => name)).toEqual(['london', 'new-york'])
})

test('the next opening of a session is today or tomorrow', () => {
  expect(nextOpening(session('london'), MONDAY + 5)).toBe(MONDAY + 8)
  expect(nextOpening(session('london'), MONDAY + 9)).toBe(MONDAY + 32)
})

test.each([
  ['EUR_USD@H4', ['EUR'], true],
  ['USDJPY', ['JPY'], true],
  ['gbp/usd', ['GBP'], true],
  ['USDJPY', ['USD'], true],
  ['XAUUSD', ['USD'], true],
  ['EUROPEAN', ['EUR'], false],
  ['EUROPA', ['EUR'], false],
  ['AUDIUS', ['AUD'], false],
  ['', ['EUR'], false],
  ['NEURAL', ['EUR'], false],
  ['labels:AUD_NZD:2024-01-01', ['AUD'], true],
])('the pair %s has one of the currencies %j: %s', (pair, currencies, isOf) => {
  expect(isOfCurrency(pair, currencies)).toBe(isOf)
})

test('a pair is tied to the session in which it is read, whatever its name', () => {
  const history = historyOf(WEEK, (_, hour) => (isOpenAt(session('tokyo'), hour) ? 5 : 0))
  const named = { pairId: 0, pair: 'BTC_ETH' }
  expect(tieTo(session('tokyo'), history, named)).toBeGreaterThan(2)
  expect(tieTo(session('new-york'), history, named)).toBeLessThan(0.5)
})

test('a pair that was hardly read is tied to the session of its currency', () => {
  const history = historyOf(WEEK, (_, hour) => Number(hour === 3))
  expect(tieTo(session('tokyo'), history, { pairId: 0, pair: 'USD_JPY' })).toBeGreaterThan(1.8)
})

test.each([9, 10, 30, 167, WEEK, 200])('a pair that is read evenly for %d hours is tied to no session', (hours) => {
  const history = historyOf(hours, () => 5)
  for (const each of [session('tokyo'), session('london')])
    expect(tieTo(each, history, { pairId: 0, pair: 'BTC_ETH' })).toBeCloseTo(1, 10)
})

test('a pair that was read only in other hours is tied less to a session, in the measure of its reads', () => {
  // London is closed from 0 to 3. The 20 reads weigh as much as the 20 even ones that are assumed beforehand.
  const history = historyOf(4, () => 5)
  expect(tieTo(session('london'), history, { pairId: 0, pair: 'BTC_ETH' })).toBeCloseTo(20 / 40, 10)
  expect(tieTo(session('london'), history, { pairId: 0, pair: 'EUR_USD' })).toBeCloseTo(40 / 40, 10)
})

test.each([
  ['EUR_USD', 3.5 / 8],
  ['BTC_ETH', 3.05 / 8],
])('the pair %s, read at the opening on three of seven days, has the confidence %d', (pair, confidence) => {
  const history = historyOf(WEEK, (_, hour) => (hour % 24 === 8 && hour < 72 ? 5 : 0))
  const options = { session: session('london'), hour: MONDAY + WEEK, limit: 5, nameOf: () => pair }
  expect(sessionPairs(history, options)).toEqual([
    {
      pairId: 0,
      kind: 'session',
      confidence,
      hour: MONDAY + WEEK + 8,
      reason: expect.stringMatching(/^london opens; read \d\.\d times as often/),
    },
  ])
})

test('a pair that is read when the session opens comes first', () => {
  const history = historyOf(WEEK, (pairId, hour) => Number(hour % 24 === (pairId === 0 ? 8 : 12)), 2)
  const nameOf = (pairId: number) => `X${pairId}`
  const found = sessionPairs(history, { session: session('london'), hour: MONDAY + WEEK - 1, limit: 5, nameOf })
  expect(found[0]).toMatchObject({ pairId: 0, kind: 'session' })
  expect(found[0]?.confidence).toBeGreaterThan(0.8)
})
