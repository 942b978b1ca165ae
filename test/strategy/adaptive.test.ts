import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { ADAPTIVE, adaptive, nextCount } from '../../src/strategy/adaptive.ts'
import type { Candidate } from '../../src/strategy/strategy.ts'

const candidates: readonly Candidate[] = Array.from({ length: 20 }, (_, pairId) => ({
  pairId,
  score: 0.9 - pairId / 100,
  lagMs: 50,
}))

/** How many pairs the strategy selects after `steps` rounds of ended warms. */
function lived(
  steps: number,
  each: { readonly used: number; readonly unused: number; readonly hitRatio: number },
): number {
  let strategy = adaptive()
  let count = 0
  for (let step = 1; step <= steps; step++) {
    const evidence = { used: step * each.used, unused: step * each.unused, hitRatio: each.hitRatio }
    const { selected, next } = strategy.select(candidates, evidence)
    strategy = next ?? strategy
    count = selected.length
  }
  return count
}

describe('the adaptive strategy', () => {
  test('warms more while reads miss and its warms are read', () => {
    expect(lived(30, { used: 40, unused: 10, hitRatio: 0.6 })).toBe(10)
  })

  test('warms less if its warms are not read, whatever the hit ratio', () => {
    expect(lived(30, { used: 1, unused: 49, hitRatio: 0.6 })).toBe(3)
  })

  test('warms less again when the hit ratio is above its target', () => {
    expect(lived(60, { used: 40, unused: 10, hitRatio: 1 })).toBe(3)
  })

  test('moves on by steps that are each too small to change the count', () => {
    // 0.3 % below the target is a step of .021 pairs.
    expect(lived(200, { used: 40, unused: 10, hitRatio: 0.967 })).toBeGreaterThan(9)
  })

  test('waits for evidence before it takes a step', () => {
    const strategy = adaptive()
    const before = strategy.select(candidates).selected.length
    const { selected, next } = strategy.select(candidates, { used: 0, unused: 49, hitRatio: 0 })
    expect([selected.length, next]).toEqual([before, undefined])
  })

  test('chooses by a step as soon as it is taken', () => {
    let strategy = adaptive()
    for (let warms = 50; warms < 5_000; warms += 50) {
      const evidence = { used: warms, unused: 0, hitRatio: 0 }
      const { next, ...chosen } = strategy.select(candidates, evidence)
      expect(next?.select(candidates, evidence)).toEqual(chosen)
      strategy = next ?? strategy
    }
    expect(strategy.select(candidates).selected).toHaveLength(10)
  })

  test('never warms pairs below its least score, and says how many it would warm', () => {
    const unlikely = candidates.map((candidate) => ({ ...candidate, score: 0.29 }))
    const { selected, reason } = adaptive().select(unlikely)
    expect([selected, reason]).toEqual([
      [],
      'the 7 likeliest (3 to 10, by how many warms are read) of those with at least 30 %',
    ])
  })

  test.each([
    // A full step is a tenth of the way from 3 to 10. It is shorter near the target, or near breaking even.
    [{ accuracy: 0.1, hitRatio: 0.5 }, 6.5 - 0.7 / 2],
    [{ accuracy: 0.19, hitRatio: 0.5 }, 6.5 - 0.7 / 20],
    [{ accuracy: 0.2, hitRatio: 0.96 }, 6.5 + 0.7 / 10],
    [{ accuracy: 0.3, hitRatio: 0.99 }, 6.5 - 0.7 / 5],
    [{ accuracy: 0.3, hitRatio: undefined }, 6.5 + 0.7],
  ])('with %j goes from 6.5 to %d', (told, expected) => {
    expect(nextCount(6.5, told, ADAPTIVE)).toBeCloseTo(expected, 10)
  })

  test('leaves a bound with its next step, however long it was there', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 300 }), (accuracies) => {
        let wanted = 6.5
        for (const accuracy of accuracies) wanted = nextCount(wanted, { accuracy, hitRatio: 0 }, ADAPTIVE)
        expect(wanted).toBeGreaterThanOrEqual(ADAPTIVE.minPairs)
        expect(wanted).toBeLessThanOrEqual(ADAPTIVE.maxPairs)
        const down = nextCount(ADAPTIVE.maxPairs, { accuracy: 0, hitRatio: 0 }, ADAPTIVE)
        expect(down).toBeCloseTo(ADAPTIVE.maxPairs - 0.7, 10)
      }),
    )
  })
})
