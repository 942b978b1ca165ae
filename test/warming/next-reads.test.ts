import { expect, test } from '@jest/globals'
import type { StrategyName } from '../../src/strategy/named.ts'
import { NextReads } from '../../src/warming/next-reads.ts'

/** How many pairs are worth warming after a read of a loop of twelve, when its warms have fared so each time round. */
function wantedOf(strategy: StrategyName, each: { readonly used: number; readonly unused: number }): number {
  let rounds = 0
  const next = new NextReads({
    ...{ strategy, maxPairs: 12, warmLimit: 1_000, logReads: 1_024 },
    isAtHand: () => false,
    evidence: () => ({ used: rounds * each.used, unused: rounds * each.unused, hitRatio: 0 }),
  })
  for (; rounds < 60; rounds++) for (let pairId = 0; pairId < 12; pairId++) next.after(pairId)
  return next.count
}

test('the adaptive strategy wants more after a read while its warms are read, fewer while they are not', () => {
  expect(wantedOf('adaptive', { used: 50, unused: 0 })).toBe(10)
  expect(wantedOf('adaptive', { used: 0, unused: 50 })).toBe(3)
})

test('the others want what they are told to', () => {
  for (const each of [
    { used: 50, unused: 0 },
    { used: 0, unused: 50 },
  ])
    expect([wantedOf('top-n', each), wantedOf('forewarm', each)]).toEqual([5, 8])
})
