import { describe, expect, test } from '@jest/globals'
import { Pace, wallTime } from '../../src/replay/pace.ts'
import { virtualTime } from './virtual-time.ts'

const never = new AbortController().signal

describe('pace', () => {
  test.each([
    [1, [0, 100, 150, 1000]],
    [10, [0, 10, 15, 100]],
    [0.1, [0, 1000, 1500, 10_000]],
  ])('makes records due at t0 + Δ ÷ speed at speed %d', async (speed, dueAt) => {
    const time = virtualTime(5_000_000)
    const pace = new Pace({ speed, time })
    const arrivals: number[] = []
    for (const timestampMs of [70_000, 70_100, 70_150, 71_000]) {
      await pace.wait(timestampMs, never)
      arrivals.push(time.now() - 5_000_000)
    }
    expect(arrivals).toEqual(dueAt)
  })

  test('does not delay the records after a late one', async () => {
    const time = virtualTime(0)
    const pace = new Pace({ speed: 1, time })
    await pace.wait(0, never)
    time.pass(250)
    await pace.wait(100, never)
    expect([time.now(), pace.behindMs]).toEqual([250, 150])
    await pace.wait(300, never)
    expect(time.now()).toBe(300)
  })

  test('says how far ahead it is while a record is not due', () => {
    const pace = new Pace({ speed: 1, time: virtualTime(0) })
    pace.dueInMs(0)
    expect(pace.dueInMs(400)).toBe(400)
    expect(pace.behindMs).toBe(-400)
  })

  test('never waits at full speed', async () => {
    const time = virtualTime(0)
    const pace = new Pace({ speed: 'max', time })
    for (const timestampMs of [0, 1_000_000]) await pace.wait(timestampMs, never)
    expect(time.sleeps).toEqual([])
  })

  test('does not wait for a timestamp that goes back', async () => {
    const time = virtualTime(0)
    const pace = new Pace({ speed: 1, time })
    for (const timestampMs of [1000, 400]) await pace.wait(timestampMs, never)
    expect(time.sleeps).toEqual([])
  })

  test('sleeps a quiet month in pieces that timers can hold', async () => {
    const time = virtualTime(0)
    const pace = new Pace({ speed: 0.1, time })
    const month = 30 * 86_400_000
    for (const timestampMs of [0, month]) await pace.wait(timestampMs, never)
    expect(time.now()).toBe(month * 10)
    expect(Math.max(...time.sleeps)).toBeLessThan(2 ** 31)
  })

  test('makes the first record of a new pass due at once', async () => {
    const time = virtualTime(0)
    const pace = new Pace({ speed: 1, time })
    for (const timestampMs of [0, 1000]) await pace.wait(timestampMs, never)
    pace.restart()
    expect(pace.dueInMs(0)).toBe(0)
  })

  test('ends the wait at an abort', async () => {
    const abort = new AbortController()
    const pace = new Pace({ speed: 0.1, time: wallTime })
    pace.dueInMs(0)
    const waiting = pace.wait(1_000_000, abort.signal)
    abort.abort()
    await waiting
  })
})
