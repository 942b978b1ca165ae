import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { indexOfWarmKind, warmsOf } from '../../src/cache/l1/usage.ts'
import { createPolicy, POLICY_NAMES } from '../../src/simulate/policies/policies.ts'
import { Tally } from '../../src/simulate/tally.ts'
import { HeldWarms } from '../../src/simulate/warmings/held-warms.ts'

const PAIRS = 10

function newTally(slots: number): Tally {
  return new Tally(createPolicy('lru', { slots, pairs: PAIRS }), PAIRS)
}

describe('a tally', () => {
  test('counts a warm as used once, when it is read before it leaves', () => {
    const tally = newTally(2)
    tally.warm(1)
    for (const pairId of [1, 1]) tally.read(pairId)
    expect(tally.counts).toMatchObject({ reads: 2, hits: 2, warms: 1, warmsUsed: 1 })
  })

  test('does not count a warm as used if its pair left and came back by a read', () => {
    const tally = newTally(1)
    tally.warm(1)
    for (const pairId of [2, 1, 1]) tally.read(pairId)
    expect(tally.counts).toMatchObject({ reads: 3, hits: 1, warms: 1, warmsUsed: 0 })
  })

  test('counts a warm as unused once, when it is evicted or was gone at its read', () => {
    const tally = newTally(1)
    tally.warm(1)
    tally.read(2)
    tally.warm(3)
    tally.warm(4)
    tally.read(3)
    expect(tally.counts).toMatchObject({ warms: 3, warmsUsed: 0, warmsUnused: 3 })
  })

  test('of L1’s own residency knows at once which warms left unread, even if several leave with one read', () => {
    const pairs = 40
    const tally = new Tally(createPolicy('forewarm', { slots: 10, pairs }), pairs)
    for (const pairId of [0, 1, 2]) tally.warm(pairId)
    for (let pairId = 3; pairId < pairs; pairId++) tally.read(pairId)
    expect([0, 1, 2].filter((pairId) => tally.policy.has(pairId))).toEqual([])
    expect(tally.warmCounts).toMatchObject({ admitted: 3, used: 0, unused: 3 })
  })

  test.each(POLICY_NAMES)('of %s accounts for every warm and every miss once all pairs were read', (name) => {
    const step = fc.record({ pairId: fc.nat(PAIRS - 1), isWarm: fc.boolean() })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: PAIRS }), fc.array(step, { maxLength: 200 }), (slots, steps) => {
        const tally = new Tally(createPolicy(name, { slots, pairs: PAIRS }), PAIRS)
        for (const { pairId, isWarm } of steps)
          if (isWarm) tally.warm(pairId)
          else tally.read(pairId)
        for (let pairId = 0; pairId < PAIRS; pairId++) tally.read(pairId)
        const { warms, warmsUsed, warmsUnused, reads, hits, polluted } = tally.counts
        expect(warmsUsed + warmsUnused).toBe(warms)
        expect(polluted).toBeLessThanOrEqual(reads - hits)
        expect(warmsUsed).toBeLessThanOrEqual(hits)
      }),
    )
  })

  test.each(POLICY_NAMES)('of %s counts the warms of each kind apart', (name) => {
    const pairs = 40
    const tally = new Tally(createPolicy(name, { slots: 10, pairs }), pairs)
    for (const pairId of [0, 1]) tally.warm(pairId, indexOfWarmKind('look-ahead'))
    tally.warm(2, indexOfWarmKind('prediction'))
    tally.read(0)
    for (let pairId = 3; pairId < pairs; pairId++) tally.read(pairId)
    // A policy without a warm part shows at the next read which warms left unread.
    for (const pairId of [1, 2]) tally.read(pairId)
    expect(warmsOf(tally, 'look-ahead')).toMatchObject({ admitted: 2, used: 1, unused: 1 })
    expect(warmsOf(tally, 'prediction')).toMatchObject({ admitted: 1, used: 0, unused: 1 })
    expect(tally.warmCounts).toMatchObject({ admitted: 3, used: 1, unused: 2 })
  })

  test('has a hit ratio from its first read on', () => {
    const tally = newTally(2)
    expect(tally.hitRatio).toBeUndefined()
    for (const pairId of [1, 1, 1, 2]) tally.read(pairId)
    expect(tally.hitRatio).toBe(0.5)
  })

  test('has a hit ratio of recent reads only', () => {
    const tally = newTally(2)
    for (let at = 0; at < 10_000; at++) tally.read(at % PAIRS)
    expect(tally.hitRatio).toBe(0)
    for (let at = 0; at < 5_000; at++) tally.read(1)
    expect(tally.hitRatio).toBeCloseTo(0.5, 3)
    for (let at = 0; at < 5_001; at++) tally.read(1)
    expect(tally.hitRatio).toBe(1)
  })

  test('counts a miss as pollution if a warm evicted the pair, not if a read did', () => {
    const tally = newTally(1)
    tally.read(1)
    tally.warm(2)
    tally.read(1)
    expect(tally.counts.polluted).toBe(1)
    tally.read(3)
    tally.read(1)
    expect(tally.counts.polluted).toBe(1)
  })

  test('counts a request for a resident pair as redundant', () => {
    const tally = newTally(2)
    tally.read(1)
    tally.warm(1)
    expect(tally.counts).toMatchObject({ requests: 1, redundant: 1, warms: 0 })
  })
})

describe('a held warm', () => {
  function newHeld(warmMs = 2) {
    const tally = newTally(4)
    return { tally, held: new HeldWarms({ tally, warmMs }) }
  }

  test('is asked for when it is due and arrives a warm’s time later', () => {
    const { tally, held } = newHeld()
    held.hold(1, { nowMs: 0, untilMs: 10 })
    held.release(9)
    expect(tally.counts.requests).toBe(0)
    held.release(11)
    expect({ requests: tally.counts.requests, isThere: tally.policy.has(1) }).toEqual({ requests: 1, isThere: false })
    held.release(12)
    expect(tally.policy.has(1)).toBe(true)
  })

  test('arrives even if nothing was released in between', () => {
    const { tally, held } = newHeld()
    held.hold(1, { nowMs: 0, untilMs: 10 })
    held.release(1_000)
    expect(tally.policy.has(1)).toBe(true)
  })

  test('is not fetched again while it is on its way', () => {
    const { tally, held } = newHeld()
    held.request(1, 0)
    held.request(1, 1)
    held.release(5)
    expect(tally.counts).toMatchObject({ requests: 2, fetched: 1, warms: 1 })
  })

  test('is late if its read missed meanwhile', () => {
    const { tally, held } = newHeld()
    held.request(1, 0)
    tally.read(1)
    held.release(2)
    expect(tally.counts).toMatchObject({ warms: 0, late: 1 })
  })

  test('is late, once, even if its pair was read and has left again when it arrives', () => {
    const tally = newTally(1)
    const held = new HeldWarms({ tally, warmMs: 2 })
    held.request(1, 0)
    for (const pairId of [1, 2, 1, 2]) tally.read(pairId)
    held.release(2)
    expect(tally.counts).toMatchObject({ warms: 1, late: 1, fetched: 1 })
  })

  test('is held for ten minutes at most, as in a node', () => {
    const { tally, held } = newHeld()
    held.hold(1, { nowMs: 0, untilMs: 600_001 })
    held.hold(2, { nowMs: 0, untilMs: 600_000 })
    held.release(1_000_000)
    expect([1, 2].map((pairId) => tally.policy.has(pairId))).toEqual([false, true])
  })

  test('is one of at most a hundred thousand', () => {
    const { tally, held } = newHeld()
    for (let i = 0; i <= 100_000; i++) held.hold(i === 100_000 ? 2 : 1, { nowMs: 0, untilMs: 10 })
    held.release(20)
    expect(tally.counts.requests).toBe(100_000)
    expect(tally.policy.has(2)).toBe(false)
  })
})
