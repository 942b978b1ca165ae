import { describe, expect, test } from '@jest/globals'
import { Throttle } from '../../src/strategy/throttle.ts'

function stage() {
  const ended = { used: 0, unused: 0 }
  const throttle = new Throttle(() => ended)
  const end = (used: number, unused: number) => {
    ended.used += used
    ended.unused += unused
  }
  /** How many of a thousand warms are allowed. */
  const allowed = () => Array.from({ length: 1_000 }, () => throttle.allows()).filter(Boolean).length
  return { throttle, end, allowed }
}

describe('a kind of warms', () => {
  test('goes on as long as enough of them are read', () => {
    const { end, allowed } = stage()
    for (let i = 0; i < 5; i++) {
      end(12, 188)
      expect(allowed()).toBe(1_000)
    }
  })

  test('that are hardly ever read goes on with one in fifty', () => {
    const { throttle, end, allowed } = stage()
    end(9, 191)
    expect([allowed(), throttle.isThrottled]).toEqual([20, true])
  })

  test('is not judged by fewer than two hundred', () => {
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

  test('stays throttled until enough of its tries are read', () => {
    const { end, allowed } = stage()
    end(0, 200)
    expect(allowed()).toBe(20)
    end(5, 15)
    expect(allowed()).toBe(20)
    end(6, 14)
    expect(allowed()).toBe(1_000)
  })

  test('is judged by its last warms, not by all of them', () => {
    const { end, allowed } = stage()
    end(10_000, 0)
    expect(allowed()).toBe(1_000)
    end(0, 200)
    expect(allowed()).toBe(20)
  })
})
