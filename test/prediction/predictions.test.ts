import { describe, expect, test } from '@jest/globals'
import { AccessHistory } from '../../src/prediction/access-history.ts'
import { HoltForecast } from '../../src/prediction/forecast.ts'
import { patternOf } from '../../src/prediction/pattern.ts'
import { popular } from '../../src/prediction/popular.ts'
import { sectorRotation } from '../../src/prediction/sector-rotation.ts'
import { timeOfDay } from '../../src/prediction/time-of-day.ts'
import { trending } from '../../src/prediction/trending.ts'
import { historyOf, MONDAY, ms } from './histories.ts'

const WEEK = 168
const last = MONDAY + WEEK - 1

describe('popular pairs', () => {
  test('are those that were read most; recent reads count more', () => {
    const history = historyOf(48, (pairId, hour) => (pairId === 0 ? Number(hour < 24) * 3 : Number(hour >= 24) * 2), 2)
    expect(popular(history, { hour: MONDAY + 47, limit: 5 }).map(({ pairId }) => pairId)).toEqual([1, 0])
  })

  test('are as sure as a read of theirs within an hour', () => {
    const [every] = popular(
      historyOf(WEEK, () => 10),
      { hour: last, limit: 1 },
    )
    const [seldom] = popular(
      historyOf(WEEK, (_, hour) => Number(hour % 24 === 0)),
      { hour: last, limit: 1 },
    )
    expect(every?.confidence).toBeGreaterThan(0.999)
    expect(seldom?.confidence).toBeLessThan(0.1)
  })

  test('have their weighted mean of reads an hour as the reason', () => {
    const history = historyOf(25, (_, hour) => (hour === 24 ? 6 : hour === 0 ? 3 : 0))
    let weights = 0
    for (let age = 0; age <= 24; age++) weights += 2 ** (-age / 24)
    const perHour = (6 + 3 / 2) / weights
    expect(popular(history, { hour: MONDAY + 24, limit: 1 })[0]).toEqual({
      ...{ pairId: 0, kind: 'popular', confidence: 1 - Math.exp(-perHour) },
      reason: `${perHour.toPrecision(2)} reads an hour lately`,
    })
  })

  test('are no more than the limit, and were all read', () => {
    const history = historyOf(10, (pairId) => (pairId < 7 ? pairId : 0), 10)
    const found = popular(history, { hour: MONDAY + 9, limit: 3 })
    expect(found.map(({ pairId }) => pairId)).toEqual([6, 5, 4])
  })
})

describe('trending pairs', () => {
  const at = { hour: MONDAY + 71, windowHours: 24, limit: 10 }

  test('are read more than the hours before let expect', () => {
    const history = historyOf(72, (pairId, hour) => (pairId === 0 ? 5 : hour < 48 ? 1 : 5), 2)
    const found = trending(history, at)
    expect(found.map(({ pairId }) => pairId)).toEqual([1])
    expect(found[0]?.reason).toBe('120 reads in 24 h, 24 expected')
  })

  test('are read at least three standard deviations more than expected', () => {
    // Twenty-four are expected, with a standard deviation of five.
    const readTimes = (times: number) =>
      trending(
        historyOf(48, (_, hour) => (hour < 24 ? 1 : hour === 24 ? times : 0)),
        { ...at, hour: MONDAY + 47 },
      )
    expect(readTimes(38)).toEqual([])
    expect(readTimes(39)).toMatchObject([
      { confidence: 1 - Math.exp(-39 / 24), reason: '39 reads in 24 h, 24 expected' },
    ])
  })

  test('have the expected reads in their reason, without an exponent', () => {
    const history = historyOf(48, (_, hour) => (hour < 24 ? 10 : 100))
    expect(trending(history, { ...at, hour: MONDAY + 47 })).toMatchObject([
      { reason: '2400 reads in 24 h, 240 expected' },
    ])
  })

  test('are not those that were read once or twice, for the first time', () => {
    const twice = historyOf(72, (_, hour) => Number(hour >= 70))
    expect(trending(twice, at)).toEqual([])
  })

  test('are none until there are as many hours before the window as in it', () => {
    const history = historyOf(40, (_, hour) => (hour < 16 ? 0 : 100))
    expect(trending(history, { ...at, hour: MONDAY + 39 })).toEqual([])
  })
})

describe('pairs that are usual at a time of day', () => {
  const at9 = (_: number, hour: number) => Number(hour % 24 === 9) * 2
  const options = { lookAheadHours: 1, minConfidence: 0.5, limit: 10 }

  test('are those that were read at the coming hour on most days', () => {
    const history = historyOf(WEEK - 15, at9)
    const [found] = timeOfDay(history, { ...options, hour: MONDAY + WEEK - 16 })
    const reason = 'read at 09:00 UTC on 6 of 6 days'
    expect(found).toEqual({ pairId: 0, kind: 'time-of-day', confidence: 6.5 / 7, hour: MONDAY + WEEK - 15, reason })
  })

  test('are none at another hour', () => {
    expect(timeOfDay(historyOf(WEEK, at9), { ...options, hour: last - 4 })).toEqual([])
  })

  test('are looked for as far ahead as asked', () => {
    const history = historyOf(WEEK, at9)
    expect(timeOfDay(history, { ...options, hour: last, lookAheadHours: 9 })).toEqual([])
    expect(timeOfDay(history, { ...options, hour: last, lookAheadHours: 10 })).toHaveLength(1)
  })

  test('are none after a single day', () => {
    expect(timeOfDay(historyOf(24, at9), { ...options, hour: MONDAY + 32 })).toEqual([])
  })
})

describe('the forecast', () => {
  const weeks = (count: number, readsAt: (week: number) => number) => {
    const forecast = new HoltForecast()
    for (let week = 0; week < count; week++)
      forecast.close(
        historyOf(1, () => readsAt(week)),
        MONDAY,
      )
    return forecast
  }

  test('follows a steady hour, and is sure of it', () => {
    const found = weeks(6, () => 40).at(0, MONDAY)
    expect(found?.reads).toBeCloseTo(40, 5)
    expect(found?.confidence).toBeGreaterThan(0.99)
  })

  test('follows a trend from week to week', () => {
    expect(weeks(30, (week) => 10 + 5 * week).at(0, MONDAY)?.reads).toBeGreaterThan(10 + 5 * 28)
  })

  test('is less sure the more it erred', () => {
    expect(weeks(20, (week) => (week % 2 === 0 ? 80 : 1)).at(0, MONDAY)?.confidence).toBeLessThan(0.6)
  })

  test('is Holt’s, computed by hand, and as sure as its own errors allow', () => {
    const reads = [10, 20, 14, 30]
    const inWeek = (count: number) => weeks(count, (week) => reads[week] ?? 0).at(0, MONDAY)
    // Level 10, trend 0; 20 comes, ten more: level .4 · 20 + .6 · 10 = 14, trend .1 · 4.
    expect(inWeek(2)?.reads).toBeCloseTo(14.4, 4)
    expect(inWeek(2)?.confidence).toBeCloseTo(1 - 10 / 24.4, 4)
    // 14 comes, .4 less: error .7 · 10 + .3 · .4 = 7.12, level .4 · 14 + .6 · 14.4 = 14.24, trend .1 · .24 + .9 · .4 = .384.
    expect(inWeek(3)?.reads).toBeCloseTo(14.624, 4)
    expect(inWeek(3)?.confidence).toBeCloseTo(1 - 7.12 / (14.624 + 7.12), 4)
    // 30 comes, 15.376 more: error 9.5968, level 20.7744, trend .99904.
    expect(inWeek(4)?.reads).toBeCloseTo(21.77344, 4)
    expect(inWeek(4)?.confidence).toBeCloseTo(1 - 9.5968 / (21.77344 + 9.5968), 4)
  })

  test('never expects fewer than no reads, and proposes no pair without expected reads', () => {
    const forecast = new HoltForecast()
    // Pair 1 is read every week, so that there is something to propose; pair 0 less and less, and then no more.
    for (let week = 0; week < 12; week++)
      forecast.close(
        historyOf(1, (pairId) => (pairId === 1 ? 5 : Math.max(0, 60 - 10 * week)), 2),
        MONDAY,
      )
    expect(forecast.at(0, MONDAY)).toEqual({ reads: 0, confidence: 0 })
    expect(forecast.proposals({ hour: MONDAY - 1, hours: 1, limit: 5 })).toMatchObject([{ pairId: 1 }])
  })

  test('is made for a bounded number of pairs, and counts the others', () => {
    const forecast = new HoltForecast()
    const history = new AccessHistory({ maxPairs: 5_000 })
    for (let pairId = 0; pairId < 4_100; pairId++) history.record(pairId, ms(MONDAY))
    forecast.close(history, MONDAY)
    expect(forecast.refusedPairHours).toBe(4)
  })

  test('gives the room of a pair that was not read for three weeks to another one', () => {
    const forecast = new HoltForecast()
    const closeWith = (pairIds: readonly number[], hour: number) => {
      const history = new AccessHistory({ maxPairs: 5_000 })
      for (const pairId of pairIds) history.record(pairId, ms(hour))
      forecast.close(history, hour)
    }
    closeWith([0], MONDAY)
    closeWith(
      Array.from({ length: 4_095 }, (_, n) => n + 1),
      MONDAY + 1,
    )
    closeWith([4_096], MONDAY + 3 * WEEK)
    expect(forecast.refusedPairHours).toBe(1)
    for (const week of [0, 1]) closeWith([4_097], MONDAY + (3 + week) * WEEK + 1)
    expect([forecast.refusedPairHours, forecast.at(4_097, MONDAY + 1)?.reads]).toEqual([1, 1])
  })

  test('has the expected reads in its reason, without an exponent', () => {
    expect(weeks(3, () => 1_234).proposals({ hour: MONDAY - 1, hours: 1, limit: 1 })[0]?.reason).toMatch(/^1200 reads/)
  })

  test('counts its error from zero if level and trend have fallen below it', () => {
    const forecast = new HoltForecast()
    const reads = [60, 0, 0, 0, 0, 0, 100]
    let [level, trend, error] = [60, 0, 0]
    for (const [week, came] of reads.entries()) {
      forecast.close(
        historyOf(1, (pairId) => (pairId === 0 ? came : 1), 2),
        MONDAY,
      )
      if (week === 0) continue
      const missed = Math.abs(came - Math.max(0, level + trend))
      error = week === 1 ? missed : 0.7 * error + 0.3 * missed
      const next = 0.4 * came + 0.6 * (level + trend)
      trend = 0.1 * (next - level) + 0.9 * trend
      level = next
    }
    expect(forecast.at(0, MONDAY)?.reads).toBeCloseTo(level + trend, 3)
    expect(forecast.at(0, MONDAY)?.confidence).toBeCloseTo(1 - error / (level + trend + error), 4)
  })

  test('proposes the hour of which it is surest, with the chance of a read in it at most', () => {
    const forecast = new HoltForecast()
    // The first hour has 100 and 20 reads by turns, the second one read each time.
    for (let week = 0; week < 6; week++)
      for (const after of [0, 1])
        forecast.close(
          historyOf(2, (_, hour) => (hour === 1 ? 1 : week % 2 === 0 ? 100 : 20)),
          MONDAY + after,
        )
    const [found] = forecast.proposals({ hour: MONDAY - 1, hours: 2, limit: 5 })
    expect(found?.reason).toBe('1 reads expected Monday 01:00 UTC')
    expect(found?.confidence).toBeCloseTo(1 - Math.exp(-1), 4)
  })

  test('says nothing of an hour of the week that came only once', () => {
    expect(weeks(1, () => 40).at(0, MONDAY)).toBeUndefined()
  })

  test('proposes pairs with expected reads in the hours ahead', () => {
    const forecast = weeks(3, () => 40)
    const ahead = forecast.proposals({ hour: MONDAY - 1, hours: 1, limit: 5 })
    const reason = '40 reads expected Monday 00:00 UTC'
    expect(ahead).toMatchObject([{ pairId: 0, kind: 'forecast', hour: MONDAY, reason }])
    expect(forecast.proposals({ hour: MONDAY, hours: 1, limit: 5 })).toEqual([])
  })
})

describe('sector rotation', () => {
  const groupOf = (pairId: number) => (pairId < 2 ? 'energy' : 'metals')

  test('proposes the pairs of the group whose share of the reads rises', () => {
    const history = historyOf(48, (pairId, hour) => (pairId < 2 ? (hour >= 45 ? 20 : 1) : 10), 4)
    const found = sectorRotation(history, { hour: MONDAY + 47, limit: 10, groupOf })
    expect(found.map(({ pairId }) => pairId).toSorted()).toEqual([0, 1])
    expect(found[0]?.reason).toMatch(/^energy has \d+\.\d times its usual share of the reads$/)
  })

  test('proposes also the group’s pairs that were not read lately', () => {
    const reads = (pairId: number, hour: number) => [hour >= 45 ? 60 : 0, hour < 5 ? 1 : 0, 10, 10][pairId] ?? 0
    const history = historyOf(48, reads, 4)
    const found = sectorRotation(history, { hour: MONDAY + 47, limit: 10, groupOf })
    expect(found.map(({ pairId }) => pairId)).toEqual([0, 1])
  })

  test('proposes nothing if all groups keep their shares, or there were no earlier reads', () => {
    const even = (hours: number) => historyOf(hours, () => 10, 4)
    expect(sectorRotation(even(48), { hour: MONDAY + 47, limit: 10, groupOf })).toEqual([])
    expect(sectorRotation(even(2), { hour: MONDAY + 1, limit: 10, groupOf })).toEqual([])
  })
})

describe('the pattern of a pair', () => {
  test('names its peak hours, its sessions and how regular they are', () => {
    const history = historyOf(WEEK, (_, hour) => (hour % 24 === 9 ? 20 : Number(hour % 6 === 0)))
    const pattern = patternOf(history, { pairId: 0, pair: 'X' })
    expect(pattern?.peakHours).toEqual([9])
    expect(pattern?.frequencyPerHour).toBeCloseTo(1, 1)
    expect(Object.keys(pattern?.sessions ?? {})).toContain('london')
    expect(pattern?.confidence).toBeGreaterThan(0.9)
  })

  test('has no peaks and no confidence if the pair is read evenly', () => {
    const pattern = patternOf(
      historyOf(WEEK, () => 3),
      { pairId: 0, pair: 'X' },
    )
    expect(pattern).toMatchObject({ peakHours: [], confidence: 0, sessions: {} })
  })

  test('is undefined if the pair was never read', () => {
    const never = historyOf(5, () => 0)
    expect(patternOf(never, { pairId: 0, pair: 'X' })).toBeUndefined()
  })
})
