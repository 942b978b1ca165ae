import { describe, expect, test } from '@jest/globals'
import { Patience } from '../../src/strategy/patience.ts'

function stage() {
  const ended = { used: 0, unused: 0 }
  const patience = new Patience(() => ended)
  const end = (used: number, unused: number) => {
    ended.used += used
    ended.unused += unused
  }
  /** How many of the next updates are looked at, one by one. Each look fetches `warms`. */
  const lookedAt = (updates: number, warms = 40) =>
    Array.from({ length: updates }, () => {
      if (patience.rests(1)) return false
      patience.fetches(warms)
      return true
    }).filter(Boolean).length
  return { patience, end, lookedAt }
}

describe('the patience of the look-ahead', () => {
  test('lasts as long as a fifth of the warms is read', () => {
    const { end, lookedAt } = stage()
    expect(lookedAt(100)).toBe(100)
    end(40, 160)
    expect(lookedAt(100)).toBe(100)
  })

  test('ends when fewer are read: then it tries again after 512 updates, and after more each time', () => {
    const { end, lookedAt } = stage()
    end(39, 161)
    expect(lookedAt(512)).toBe(0)
    expect([lookedAt(1), lookedAt(1_024), lookedAt(1), lookedAt(2_048), lookedAt(1)]).toEqual([1, 0, 1, 0, 1])
  })

  test('costs at most one try in 16,384 updates in the long run, so a feed that nobody can foretell is not slowed', () => {
    const { end, lookedAt } = stage()
    end(0, 200)
    lookedAt(100_000)
    expect(lookedAt(10 * 16_385)).toBe(10)
  })

  test('counts the updates of a window together', () => {
    const { patience, end } = stage()
    end(0, 200)
    expect([patience.rests(500), patience.rests(500), patience.rests(500)]).toEqual([true, true, false])
  })

  test('tries until forty warms were fetched, since most reads may be resident', () => {
    const { end, lookedAt } = stage()
    end(0, 200)
    lookedAt(512)
    expect([lookedAt(100, 0), lookedAt(39, 1), lookedAt(10, 1)]).toEqual([100, 39, 1])
  })

  test('is soon tried again only after two thousand warms in a row, since a few tries are read by chance', () => {
    const restAfter = (warms: number) => {
      const { end, lookedAt } = stage()
      end(0, 200)
      lookedAt(513 + 1_025 + 2_049)
      end(6, 14)
      expect(lookedAt(1, warms)).toBe(1)
      end(0, 200)
      return [lookedAt(512), lookedAt(1), lookedAt(3_500)]
    }
    expect(restAfter(1_999)).toEqual([0, 0, 0])
    expect(restAfter(2_000)).toEqual([0, 1, 2])
  })

  test('returns when three tenths of the tries are read', () => {
    const { end, lookedAt } = stage()
    end(0, 200)
    expect(lookedAt(10)).toBe(0)
    end(5, 15)
    expect(lookedAt(10)).toBe(0)
    end(6, 14)
    expect(lookedAt(10)).toBe(10)
  })
})
