import { describe, expect, test } from '@jest/globals'
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

describe('sessions', () => {
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
  ] as const)('%s at %d o’clock: open is %s', (name, hour, isOpen) => {
    expect(isOpenAt(session(name), MONDAY + hour)).toBe(isOpen)
  })

  test('an hour where two overlap belongs to both', () => {
    const open = SESSIONS.filter((each) => isOpenAt(each, MONDAY + 14))
    expect(open.map(({ name }) => name)).toEqual(['london', 'new-york'])
  })

  test('the next opening is today or tomorrow', () => {
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
  ])('%s is of %j: %s', (pair, currencies, isOf) => {
    expect(isOfCurrency(pair, currencies)).toBe(isOf)
  })

  test('a pair is tied to the session in which it is read, whatever its name', () => {
    const history = historyOf(WEEK, (_, hour) => (isOpenAt(session('tokyo'), hour) ? 5 : 0))
    const named = { pairId: 0, pair: 'BTC_ETH' }
    expect(tieTo(session('tokyo'), history, named)).toBeGreaterThan(2)
    expect(tieTo(session('new-york'), history, named)).toBeLessThan(0.5)
  })

  test('a pair that was hardly read is tied by its currency', () => {
    const history = historyOf(WEEK, (_, hour) => Number(hour === 3))
    expect(tieTo(session('tokyo'), history, { pairId: 0, pair: 'USD_JPY' })).toBeGreaterThan(1.8)
  })

  test.each([9, 10, 30, 167, WEEK, 200])('a pair that is read evenly for %d hours is tied to none', (hours) => {
    const history = historyOf(hours, () => 5)
    for (const each of [session('tokyo'), session('london')])
      expect(tieTo(each, history, { pairId: 0, pair: 'BTC_ETH' })).toBeCloseTo(1, 10)
  })

  test('a pair of which only other hours are known is less tied to a session, as far as these count', () => {
    // Of the hours from 0 to 3 London has none: 20 reads are as many as it is believed to be read evenly beforehand.
    const history = historyOf(4, () => 5)
    expect(tieTo(session('london'), history, { pairId: 0, pair: 'BTC_ETH' })).toBeCloseTo(20 / 40, 10)
    expect(tieTo(session('london'), history, { pairId: 0, pair: 'EUR_USD' })).toBeCloseTo(40 / 40, 10)
  })

  test.each([
    ['EUR_USD', 3.5 / 8],
    ['BTC_ETH', 3.05 / 8],
  ])('%s, read on three of seven days when it opens, is that sure', (pair, confidence) => {
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

  test('what is read when it opens comes first', () => {
    const history = historyOf(WEEK, (pairId, hour) => Number(hour % 24 === (pairId === 0 ? 8 : 12)), 2)
    const nameOf = (pairId: number) => `X${pairId}`
    const found = sessionPairs(history, { session: session('london'), hour: MONDAY + WEEK - 1, limit: 5, nameOf })
    expect(found[0]).toMatchObject({ pairId: 0, kind: 'session' })
    expect(found[0]?.confidence).toBeGreaterThan(0.8)
  })
})
