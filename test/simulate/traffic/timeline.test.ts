import { expect, test } from '@jest/globals'
import { Timeline, type Times } from '../../../src/simulate/traffic/timeline.ts'

const T0 = 1_783_715_268_000
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const YEARS = 3e11

interface Given {
  readonly chain?: string
  readonly pairId?: number
  /** After T0. */
  readonly ms: number
}

/** Each update's place is its number. */
function timesOf(updates: readonly Given[]): Times<number> {
  const timeline = new Timeline<number>()
  for (const [place, { chain = 'a', pairId = 0, ms }] of updates.entries())
    timeline.add({ chain, pairId, eventTimeMs: T0 + ms, place })
  return timeline.times(50)
}

function afterT0(times: Times<number>): readonly number[] {
  return times.timesUs.map((us) => (us - T0 * 1000) / 1000)
}

function range(length: number): readonly number[] {
  return Array.from({ length }, (_, i) => i)
}

test('a timeline keeps a chain that is minutes behind another, as its updates come', () => {
  const seconds = range(100).flatMap((i) => [
    { chain: 'ahead', pairId: 0, ms: i * 1000 },
    { chain: 'behind', pairId: 1, ms: i * 1000 - 20 * MINUTE },
  ])
  const times = timesOf(seconds)
  expect(times).toMatchObject({ mistimed: undefined, backwards: 100 })
  expect(afterT0(times)).toEqual(range(100).flatMap((i) => [i * 1000, i * 1000 + 0.05]))
})

test('a timeline keeps a chain that is minutes ahead of most others', () => {
  const seconds = range(100).flatMap((i) => [
    ...range(9).map((pairId) => ({ pairId, ms: i * 1000 })),
    { chain: 'ahead', pairId: 9, ms: i * 1000 + 20 * MINUTE },
  ])
  expect(timesOf(seconds).mistimed).toBeUndefined()
})

test('a timeline keeps the last trade of a seldom traded pair, whenever that was', () => {
  const seldom = { pairId: 1, ms: -5 * HOUR }
  const times = timesOf([{ ms: 0 }, { ms: 1000 }, seldom, { ms: 2000 }, { ...seldom, ms: -4 * HOUR }, { ms: 3000 }])
  expect(times.mistimed).toBeUndefined()
  expect(afterT0(times)).toEqual([0, 1000, 1000.05, 2000, 2000.05, 3000])
})

test('a timeline keeps updates after hours without any', () => {
  const times = timesOf([{ ms: 0 }, { ms: 9 * HOUR }, { ms: 9 * HOUR + 1 }, { ms: 30 * HOUR }])
  expect(afterT0(times)).toEqual([0, 9 * HOUR, 9 * HOUR + 1, 30 * HOUR])
})

test('a timeline leaves out an hour that comes again, and goes on after it', () => {
  const hours = range(120).map((i) => ({ ms: i * MINUTE }))
  const again = hours.slice(60, 110)
  const times = timesOf([...hours, ...again, { ms: 120 * MINUTE }])
  expect(afterT0(times)).toEqual(range(121).map((i) => i * MINUTE))
  expect(times.mistimed).toEqual({ place: 120, eventTimeMs: T0 + 60 * MINUTE, otherEventTimeMs: T0 + 119 * MINUTE })
})

test('a timeline leaves out the first update if it is ahead of its time', () => {
  const times = timesOf([{ ms: YEARS }, { ms: 0 }, { ms: 1 }])
  expect(afterT0(times)).toEqual([0, 1])
  expect(times.mistimed).toEqual({ place: 0, eventTimeMs: T0 + YEARS, otherEventTimeMs: T0 })
})

test('a timeline leaves out a pair that is always ahead of its time', () => {
  const times = timesOf(range(60).flatMap((i) => [{ ms: i }, { pairId: 1, ms: YEARS + i }, { pairId: 2, ms: i }]))
  expect(times.pairIds.filter((pairId) => pairId !== 1)).toHaveLength(120)
  expect(times.pairIds.filter((pairId) => pairId === 1)).toEqual([])
})

test('a timeline leaves out a chain that is always years ahead of most others', () => {
  const wrong = (i: number) => ({ chain: 'wrong', pairId: 1, ms: YEARS + i * HOUR })
  const times = timesOf(range(60).flatMap((i) => [{ ms: i }, wrong(i), { pairId: 2, ms: i }]))
  expect(times.pairIds).not.toContain(1)
  expect(afterT0(times).at(-1)).toBe(59.05)
})

test('a timeline leaves out the only update of a chain if it is years ahead of what comes after it', () => {
  const times = timesOf([{ ms: 0 }, { chain: 'wrong', pairId: 1, ms: YEARS }, { ms: 1 }, { ms: 2 }])
  expect(afterT0(times)).toEqual([0, 1, 2])
})

test('a timeline leaves out a whole record of updates that are ahead of their time', () => {
  const record = range(1000).map((pairId) => ({ pairId, ms: YEARS }))
  const after = range(1100).map((i) => ({ pairId: i % 1000, ms: i }))
  const times = timesOf([{ ms: 0 }, ...record, ...after])
  expect(afterT0(times).at(-1)).toBe(1099)
  expect(times.pairIds).toHaveLength(1101)
})
