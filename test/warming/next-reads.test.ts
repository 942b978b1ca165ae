import { expect, test } from '@jest/globals'
import { mulberry32 } from '../../src/simulate/mulberry32.ts'
import type { StrategyName } from '../../src/strategy/named.ts'
import { NextReads } from '../../src/warming/next-reads.ts'

/** The number of warms after the first read of a loop of twelve pairs, if warms end like `each` in every round. */
function wantedOf(strategy: StrategyName, each: { readonly used: number; readonly unused: number }): number {
  let rounds = 0
  // All that the other reads propose is in the cache, so the first alone proposes warms.
  let isFirst = false
  const next = new NextReads({
    ...{ strategy, maxPairs: 12, warmLimit: 1_000, logReads: 1_024 },
    cache: { has: () => !isFirst, renew: () => undefined },
    evidence: () => ({ used: rounds * each.used, unused: rounds * each.unused, hitRatio: 0 }),
  })
  let wanted = 0
  for (; rounds < 60; rounds++)
    for (let pairId = 0; pairId < 12; pairId++) {
      isFirst = pairId === 0
      next.after(pairId)
      if (isFirst) wanted = next.count
    }
  return wanted
}

test('the adaptive strategy warms more pairs after a read while its warms are read, and fewer while few are', () => {
  expect(wantedOf('adaptive', { used: 50, unused: 0 })).toBe(10)
  expect(wantedOf('adaptive', { used: 5, unused: 45 })).toBe(3)
})

test('the other strategies warm as many pairs as they are told to', () => {
  const each = { used: 50, unused: 0 }
  expect([wantedOf('top-n', each), wantedOf('forewarm', each)]).toEqual([5, 8])
})

test('a strategy that goes by a score alone is throttled while its warms go unread, and forewarm is not', () => {
  const each = { used: 0, unused: 50 }
  expect(wantedOf('top-n', each)).toBeLessThanOrEqual(1)
  expect(wantedOf('forewarm', each)).toBe(8)
})

test('the strategy forewarm warms less while warms cause misses, and as much as before once they no longer do', () => {
  const cost = { warms: 0, missedSoon: 0 }
  let isFirst = false
  const next = new NextReads({
    ...{ strategy: 'forewarm', maxPairs: 10_000, warmLimit: 1_000, logReads: 1_024 },
    cache: { has: () => !isFirst, renew: () => undefined },
    evidence: () => ({ used: 0, unused: 0, hitRatio: 0 }),
    cost: () => ({ ...cost }),
  })
  // After pair 0 comes any of eight pairs, so every second proposal is read in time. The other pairs do not come again.
  const random = mulberry32(7)
  let round = 0
  const wantedAt = (missedPerWarm: number) => {
    let wanted = 0
    for (const end = round + 2_000; round < end; round++)
      for (let at = 0; at < 20; at++) {
        isFirst = at === 0
        next.after(isFirst ? 0 : at === 1 ? 1 + Math.floor(random() * 8) : 10 + ((round * 18 + at) % 9_000))
        if (isFirst) wanted = next.count
        cost.warms++
        cost.missedSoon += missedPerWarm
      }
    return wanted
  }
  const wanted = [wantedAt(0), wantedAt(0.9), wantedAt(0)]
  expect(wanted.map((count) => count > 0)).toEqual([true, false, true])
})
