import { describe, expect, test } from '@jest/globals'
import { HOUR_MS } from '../../src/prediction/access-history.ts'
import { lived, MONDAY, ms, newPredictor, readOnMondays } from './histories.ts'

describe('the predictor', () => {
  test('recommends each pair once, with its surest proposal', () => {
    const nowMs = ms(MONDAY + 168 + 8)
    const predictor = lived()
    predictor.tell(nowMs)
    const found = predictor.recommendations(nowMs, { lookAheadHours: 1, limit: 10 })
    expect(found.map(({ pairId }) => pairId).toSorted()).toEqual([0, 1])
    expect(found.find(({ pairId }) => pairId === 0)?.kind).toBe('time-of-day')
  })

  test('believes a kind less when what it recommended is not read', () => {
    const predictor = newPredictor()
    for (let pairId = 0; pairId < 50; pairId++) for (let i = 0; i < 9; i++) predictor.recordAccess(pairId, ms(MONDAY))
    const options = { lookAheadHours: 1, limit: 100 }
    const surenessAt = (hour: number) => {
      predictor.tell(ms(hour))
      return predictor.recommendations(ms(hour), options)[0]?.confidence ?? Number.NaN
    }
    const before = surenessAt(MONDAY)
    for (let i = 0; i < 9; i++) predictor.recordAccess(7, ms(MONDAY + 1))
    expect(predictor.stats(ms(MONDAY + 1)).accuracyByKind).toEqual({})
    const after = surenessAt(MONDAY + 2)
    expect(predictor.stats(ms(MONDAY + 2)).accuracyByKind).toEqual({ popular: 1 / 50 })
    // One of fifty promised reads came. The pair's own confidence has hardly changed.
    expect(after).toBeLessThan(0.4)
    expect(before).toBeGreaterThan(0.99)
    expect(predictor.popular(ms(MONDAY + 2), 1)[0]?.confidence).toBeGreaterThan(0.9)
  })

  test('counts accesses and pairs, and names the most popular', () => {
    const stats = lived().stats(ms(MONDAY + 167))
    expect(stats).toEqual({ totalAccesses: 7 + 168 * 3, uniquePairs: 2, top10: ['P1', 'P0'], accuracyByKind: {} })
  })

  test('forgets nothing because of a read at an impossible time', () => {
    const predictor = lived()
    const before = predictor.exportPatterns()
    // Microseconds taken for milliseconds are in the year 57,000.
    const times = [Number.NaN, Number.POSITIVE_INFINITY, -1, ms(MONDAY) * 1_000]
    for (const atMs of times) {
      predictor.tell(atMs)
      predictor.recordAccess(0, atMs)
    }
    expect([predictor.history.refusedReads, predictor.exportPatterns()]).toEqual([times.length, before])
  })

  test('proposes pairs for the sessions that open within the hours ahead, and for no others', () => {
    const predictor = newPredictor()
    for (let hour = MONDAY; hour < MONDAY + 168; hour++)
      if (hour % 24 === 8) for (let i = 0; i < 9; i++) predictor.recordAccess(2, ms(hour))
    const before = ms(MONDAY + 168 + 7)
    predictor.tell(before)
    const found = predictor.sessions(before, { lookAheadHours: 1, limit: 5 })
    expect(found.map(({ reason }) => reason)).toEqual([expect.stringMatching(/^london opens/)])
    expect(predictor.sessions(before - HOUR_MS, { lookAheadHours: 1, limit: 5 })).toEqual([])
  })

  test('learns a forecast over weeks in which only time passes between the reads', () => {
    const predictor = newPredictor()
    readOnMondays(predictor, { pairId: 3, weeks: 3 })
    const nowMs = ms(MONDAY + 3 * 168 + 4)
    predictor.tell(nowMs)
    expect(predictor.forecast(nowMs, { hours: 1, limit: 5 })).toMatchObject([{ pairId: 3, kind: 'forecast' }])
  })

  test('learns from an hour late if some of its reads are told late, and then from all of them', () => {
    const readsExpected = [1, 0].map((settleHours) => {
      const predictor = newPredictor(100, 336, settleHours)
      for (const week of [0, 1]) {
        const hour = MONDAY + week * 168 + 5
        predictor.recordAccess(3, ms(hour))
        predictor.tell(ms(hour + 1))
        predictor.history.recordAtLeast(3, hour, 40)
        predictor.tell(ms(hour + 2))
      }
      predictor.tell(ms(MONDAY + 2 * 168 + 4))
      return predictor.forecast(ms(MONDAY + 2 * 168 + 4), { hours: 1, limit: 1 })[0]?.reason
    })
    expect(readsExpected).toEqual([expect.stringMatching(/^40 reads/), expect.stringMatching(/^1 reads/)])
  })

  test('goes on forecasting pairs that take turns in the only place of the history', () => {
    const predictor = newPredictor(1, 24)
    for (let hour = 0; hour < 3 * 168 + 5; hour++) {
      predictor.tell(ms(MONDAY + hour))
      if (hour % 168 === 5) predictor.recordAccess(3, ms(MONDAY + hour))
      if (hour % 168 === 77) predictor.recordAccess(9, ms(MONDAY + hour))
    }
    expect([predictor.history.refusedReads, predictor.history.recycled]).toEqual([0, 5])
    const nowMs = ms(MONDAY + 3 * 168 + 4)
    expect(predictor.forecast(nowMs, { hours: 1, limit: 5 })).toMatchObject([{ pairId: 3, hour: MONDAY + 3 * 168 + 5 }])
    const later = predictor.forecast(ms(MONDAY + 3 * 168 + 76), { hours: 1, limit: 5 })
    expect(later).toMatchObject([{ pairId: 9, reason: '1 reads expected Thursday 05:00 UTC' }])
  })
})
