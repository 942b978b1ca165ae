import { describe, expect, test } from '@jest/globals'
import { ReadHistory } from '../../../../src/correlation/mined/punctual/read-history.ts'

describe('a history of reads', () => {
  test('is in the order of times, even if a stretch begins before the last one ended', () => {
    const history = new ReadHistory()
    for (const timeMs of [10, 20, 40, 30, 15, 50]) history.add(timeMs * 2, timeMs)
    expect([...history.timesMs.subarray(0, history.count)]).toEqual([10, 15, 20, 30, 40, 50])
    expect([...history.pairIds.subarray(0, history.count)]).toEqual([20, 30, 40, 60, 80, 100])
    expect([history.indexAt(20), history.indexAt(21), history.indexAt(51)]).toEqual([2, 3, 6])
    expect([history.has(60, 30), history.has(60, 31), history.has(61, 30)]).toEqual([true, false, false])
  })

  test('begins anew when times wrap around', () => {
    const history = new ReadHistory()
    for (const timeMs of [2 ** 31 * 5 - 10, 2 ** 31 * 5 - 5, -(2 ** 31) * 5, 5 - 2 ** 31 * 5]) history.add(1, timeMs)
    expect([...history.timesMs.subarray(0, history.count)]).toEqual([-(2 ** 31) * 5, 5 - 2 ** 31 * 5])
  })

  test('keeps the newest reads when it is full', () => {
    const history = new ReadHistory()
    for (let read = 0; read < 1_000_000; read++) history.add(read % 100, read)
    expect(history.count).toBeLessThanOrEqual(2 ** 18)
    expect(history.count).toBeGreaterThan(2 ** 17)
    expect(history.timesMs[history.count - 1]).toBe(999_999)
    expect(history.indexAt(999_900)).toBe(history.count - 100)
  })
})
