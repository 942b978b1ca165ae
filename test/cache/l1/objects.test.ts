import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { NUMBER_COUNT } from '../../../schemas/price-update.ts'
import { emptyPrice, VERSIONS_PER_MS } from '../../../src/cache/cached-price.ts'
import { ObjectL1 } from '../../../src/cache/l1/objects.ts'
import { cachedPrice } from '../l2/columns.ts'
import { boundsHold, readsNeverGoBack } from './properties.ts'
import { PAIRS } from './schedules.ts'

const TTL_MS = 6_400
const newL1 = (slots: number, warmShare: number) => new ObjectL1({ slots, maxPairs: PAIRS, warmShare })

describe('in an L1 of objects', () => {
  test('I1: no read gives a lower version than an earlier read', () => {
    fc.assert(readsNeverGoBack(newL1), { numRuns: 500 })
  })

  test('I3, I10: the slots, the share of warms and the counts of warms keep their bounds', () => {
    fc.assert(boundsHold(newL1), { numRuns: 500 })
  })

  test('a value expires when its time is over, or that of L2', () => {
    const l1 = new ObjectL1({ slots: 4, maxPairs: PAIRS, ttlMs: TTL_MS, l2TtlMs: 10_000 })
    l1.tick(100_000)
    l1.update(0, 100_000 * VERSIONS_PER_MS, new Float64Array(NUMBER_COUNT), 0)
    l1.promote(1, cachedPrice({ version: 93_000 * VERSIONS_PER_MS, eventTimeMs: 93_000 }))
    l1.tick(102_000)
    expect([l1.has(0), l1.has(1), l1.usage.warmCounts.unused]).toEqual([true, false, 1])
    l1.tick(100_000 + TTL_MS)
    expect([l1.has(0), l1.usage.expirations]).toEqual([false, 2])
  })

  test('a warm that finds no room leaves the floor as it is', () => {
    const l1 = newL1(2, 0.3)
    expect(l1.promote(0, cachedPrice({ version: 3 }))).toBe('no-room')
    expect([l1.has(0), l1.floor(0)]).toEqual([false, 0])
  })

  test('a warm that is renewed is the last to be evicted', () => {
    const l1 = new ObjectL1({ slots: 10, maxPairs: 20, warmShare: 0.2 })
    for (const pairId of [0, 1]) l1.promote(pairId, cachedPrice({ version: 1 }))
    l1.renew(0)
    l1.promote(2, cachedPrice({ version: 1 }))
    expect([0, 1, 2].map((pairId) => l1.has(pairId))).toEqual([true, false, true])
  })

  test('a value that is read in the last part of its time is due once', () => {
    const l1 = new ObjectL1({ slots: 4, maxPairs: PAIRS, ttlMs: TTL_MS, refreshThreshold: 0.8 })
    l1.update(0, 1, new Float64Array(NUMBER_COUNT), 0)
    l1.tick(0.9 * TTL_MS)
    l1.get(0, emptyPrice())
    l1.get(0, emptyPrice())
    expect(l1.due).toEqual([0])
  })

  test('a shortage of memory shrinks the warm part first, then the rest', () => {
    const l1 = new ObjectL1({ slots: 10, maxPairs: 20, warmShare: 0.3 })
    for (let pairId = 0; pairId < 7; pairId++) l1.fill(pairId, cachedPrice({ version: 1 }))
    for (let pairId = 7; pairId < 10; pairId++) l1.promote(pairId, cachedPrice({ version: 1 }))
    l1.resize(1, 0)
    expect([l1.usage.warm, l1.usage.resident]).toEqual([0, 7])
    l1.resize(0.5, 0)
    expect(l1.usage.resident).toBe(5)
    expect(l1.coldest(2)).toEqual([2, 3])
  })
})
