import { describe, expect, test } from '@jest/globals'
import { Throttle } from '../../src/strategy/throttle.ts'

function stage() {
  const ended = { used: 0, unused: 0 }
  const throttle = new Throttle(() => ended)
  const end = (used: number, unused: number) => {
    ended.used += used
    ended.unused += unused
  }
  /** Of a thousand asked for. */
  const allowed = () => Array.from({ length: 1_000 }, () => throttle.allows()).filter(Boolean).length
  return { throttle, end, allowed }
}

describe('a kind of warms', () => {
  test('goes on as long as some of them are read', () => {
    const { end, allowed } = stage()
    for (let i = 0; i < 5; i++) {
      end(12, 188)
      expect(allowed()).toBe(1_000)
    }
  })

  test('that hardly anybody reads goes on with one in fifty', () => {
    const { throttle, end, allowed } = stage()
    end(9, 191)
    expect([allowed(), throttle.isThrottled]).toEqual([20, true])
  })

  test('is not judged by a few', () => {
    const { throttle, end, allowed } = stage()
    end(0, 199)
    expect(allowed()).toBe(1_000)
    expect(throttle.accuracy).toBeUndefined()
  })

  test('has the accuracy of the warms that were judged last', () => {
    const { throttle, end, allowed } = stage()
    end(100, 100)
    allowed()
    end(50, 150)
    allowed()
    expect(throttle.accuracy).toBe(0.25)
  })

  test('is let on again when its tries are read, and stays throttled while they are not', () => {
    const { end, allowed } = stage()
    end(0, 200)
    expect(allowed()).toBe(20)
    end(5, 15)
    expect(allowed()).toBe(20)
    end(6, 14)
    expect(allowed()).toBe(1_000)
  })

  test('is judged by the last ones, not by all there ever were', () => {
    const { end, allowed } = stage()
    end(10_000, 0)
    expect(allowed()).toBe(1_000)
    end(0, 200)
    expect(allowed()).toBe(20)
  })
})
