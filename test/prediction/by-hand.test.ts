import { expect, test } from '@jest/globals'
import { patternOf } from '../../src/prediction/pattern.ts'
import { popular } from '../../src/prediction/popular.ts'
import { sectorRotation } from '../../src/prediction/sector-rotation.ts'
import { timeOfDay } from '../../src/prediction/time-of-day.ts'
import { historyOf, MONDAY } from './histories.ts'

/** A history with these reads, by pair and hour since Monday 00:00. */
function written(hours: number, reads: readonly (readonly [pairId: number, hour: number, reads: number])[]) {
  const counts = new Map(reads.map(([pairId, hour, count]) => [`${pairId} ${hour}`, count]))
  return historyOf(hours, (pairId, hour) => counts.get(`${pairId} ${hour}`) ?? 0, 4)
}

const everyDay = (pairId: number, hour: number, counts: readonly number[]) =>
  counts.map((count, day) => [pairId, day * 24 + hour, count] as const)

test('a sector’s rise is its share of the reads in the last three hours ÷ its share before', () => {
  const groupOf = (pairId: number) => (pairId < 2 ? 'energy' : pairId === 2 ? 'metals' : undefined)
  const history = written(10, [
    // Energy: 14 of 42 reads before, 30 of 42 since; 10 an hour of its first pair, 5 an hour of each on average.
    ...([
      [0, 0, 7],
      [1, 6, 7],
      [0, 7, 20],
      [0, 9, 10],
    ] as const),
    ...([
      [2, 6, 28],
      [2, 8, 12],
    ] as const),
  ])
  const rise = 30 / 42 / (14 / 42)
  const of = (pairId: number, perHour: number) => ({
    ...{ pairId, kind: 'sector-rotation', confidence: (1 - Math.exp(-perHour)) * (1 - 1 / rise) },
    reason: 'energy has 2.1 times its usual share of the reads',
  })
  expect(sectorRotation(history, { hour: MONDAY + 9, limit: 9, groupOf })).toEqual([of(0, 10), of(1, 5)])
})

test.each([
  [20, 19, true],
  [20, 21, false],
  [19, 10, false],
])(
  'a sector with %d recent reads beside %d others, after a third of the earlier reads, has its turn: %s',
  (own, others, isIts) => {
    const groupOf = (pairId: number) => (pairId === 0 ? 'energy' : undefined)
    const history = written(10, [
      [0, 3, 10],
      [1, 3, 20],
      [0, 9, own],
      [1, 9, others],
    ])
    expect(sectorRotation(history, { hour: MONDAY + 9, limit: 9, groupOf })).toHaveLength(Number(isIts))
  },
)

test('a sector without earlier reads is taken to have had one', () => {
  const groupOf = (pairId: number) => (pairId === 0 ? 'energy' : undefined)
  const history = written(10, [
    [0, 9, 20],
    [1, 3, 20],
    [1, 9, 20],
  ])
  // It has half of the reads, after one of twenty.
  expect(sectorRotation(history, { hour: MONDAY + 9, limit: 9, groupOf })).toEqual([
    {
      ...{ pairId: 0, kind: 'sector-rotation', confidence: (1 - Math.exp(-20 / 3)) * (1 - 1 / 10) },
      reason: 'energy has 10.0 times its usual share of the reads',
    },
  ])
})

test('reads after the hour that is asked about make no pair popular', () => {
  const history = written(10, [
    [0, 3, 8],
    [1, 9, 50],
  ])
  const perHour = 8 / (1 + 2 ** (-1 / 24) + 2 ** (-2 / 24) + 2 ** (-3 / 24))
  expect(popular(history, { hour: MONDAY + 3, limit: 9 })).toMatchObject([
    { pairId: 0, confidence: 1 - Math.exp(-perHour) },
  ])
})

test('a pattern’s peaks are hours with 1.5 times the mean reads, on half of the days that have ended', () => {
  const history = written(72, [
    // 168 reads in 72 hours: a peak has 3.5 an hour.
    ...everyDay(0, 9, [20, 20, 0]),
    ...everyDay(0, 13, [10, 10, 10]),
    // An hour that has not ended does not count.
    ...everyDay(0, 23, [9, 0, 50]),
    ...everyDay(0, 5, [30, 0, 0]),
    ...everyDay(0, 7, [3, 3, 3]),
  ])
  expect(patternOf(history, { pairId: 0, pair: 'X' })).toMatchObject({
    ...{ frequencyPerHour: 168 / 72, peakHours: [9, 13, 23] },
    // Read on 2 of 3, 3 of 3 and 1 of 2 days; half a day of each is added.
    confidence: (2.5 / 4 + 3.5 / 4 + 1.5 / 3) / 3,
  })
})

test('a pattern’s days are those on which the hour has ended, from the first hour on', () => {
  // Until 11 o’clock of the third day; 113 reads in 60 hours: a peak has 2.825 an hour.
  const history = written(60, [
    ...everyDay(0, 0, [6, 0, 6]),
    ...everyDay(0, 9, [5, 5, 5]),
    ...everyDay(0, 11, [8, 8, 50]),
    ...everyDay(0, 13, [10, 10]),
  ])
  expect(patternOf(history, { pairId: 0, pair: 'X' })).toMatchObject({
    ...{ frequencyPerHour: 113 / 60, peakHours: [0, 9, 11, 13] },
    confidence: (2.5 / 4 + 3.5 / 4 + 2.5 / 3 + 2.5 / 3) / 4,
  })
})

test('a pair is usual at an hour if it was read then on half of the ended days, of two at least', () => {
  const options = { hour: MONDAY + 71, minConfidence: 0.5, limit: 9 }
  const history = written(72, [
    ...everyDay(0, 9, [1, 1, 0]),
    ...everyDay(0, 13, [1, 1, 1]),
    ...everyDay(1, 23, [1, 0, 9]),
    ...everyDay(2, 5, [1, 0, 0]),
    // Reads in the first known hour count, too.
    ...everyDay(3, 0, [1, 1, 0]),
  ])
  const usual = (lookAheadHours: number) =>
    timeOfDay(history, { ...options, lookAheadHours }).map(({ pairId, confidence, reason }) => [
      pairId,
      confidence,
      reason,
    ])
  const atMidnight = [3, 2.5 / 4, 'read at 00:00 UTC on 2 of 3 days']
  expect(usual(9)).toEqual([atMidnight])
  expect(usual(10)).toEqual([[0, 2.5 / 4, 'read at 09:00 UTC on 2 of 3 days'], atMidnight])
  expect(usual(23)).toEqual([[0, 3.5 / 4, 'read at 13:00 UTC on 3 of 3 days'], atMidnight])
  expect(usual(24)).toEqual([
    [0, 3.5 / 4, 'read at 13:00 UTC on 3 of 3 days'],
    atMidnight,
    [1, 1.5 / 3, 'read at 23:00 UTC on 1 of 2 days'],
  ])
})
