import { describe, expect, test } from '@jest/globals'
import { StopWatch } from '../../../bench/stages/stop-watch.ts'
import { Arrivals } from '../../../bench/traffic/arrivals.ts'

describe('a stop-watch', () => {
  test('runs from the first record to the last', async () => {
    const watch = new StopWatch(3)
    watch.begin()
    watch.handled(1)
    watch.begin()
    watch.handled(2)
    expect(await watch.finished(1000)).toBeGreaterThanOrEqual(0)
  })

  test('gives up on records that do not come', async () => {
    const watch = new StopWatch(3)
    watch.begin()
    watch.handled(2)
    await expect(watch.finished(1)).rejects.toThrow('2 of 3 records were handled in 1 ms')
  })
})

describe('arrivals', () => {
  test('count what arrived, and what arrived more than once', async () => {
    const arrivals = new Arrivals(10, 3)
    for (const sequence of [10, 11, 10, 10, 12]) arrivals.note(sequence)
    expect({ distinct: arrivals.distinct, repeated: arrivals.repeated }).toEqual({ distinct: 3, repeated: 1 })
    expect(await arrivals.reached(3, 1)).toBe(true)
  })

  test('let pass what they were not made for', () => {
    const arrivals = new Arrivals(10, 3)
    for (const sequence of [9, 13, Number.NaN]) arrivals.note(sequence)
    expect(arrivals.distinct).toBe(0)
  })

  test('can be awaited', async () => {
    const arrivals = new Arrivals(0, 2)
    const reached = arrivals.reached(2, 10_000)
    arrivals.note(1)
    arrivals.note(0)
    expect(await reached).toBe(true)
  })

  test('say so when they do not come in time', async () => {
    expect(await new Arrivals(0, 2).reached(1, 1)).toBe(false)
  })
})
