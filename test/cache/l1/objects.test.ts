import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { NUMBER_COUNT } from '../../../schemas/price-update.ts'
import { emptyPrice, VERSIONS_PER_MS } from '../../../src/cache/cached-price.ts'
import { ObjectL1 } from '../../../src/cache/l1/objects.ts'
import { StoredJson } from '../../../src/cache/values/stored-json.ts'
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

describe('an L1 of objects with a bound of bytes', () => {
  const numbers = new Float64Array(NUMBER_COUNT).fill(Number.NaN)
  const jsonOf = (bytes: number, letter = 'x') => new StoredJson(JSON.stringify(letter.repeat(bytes - 2)))
  const loadedOf = (version: number, bytes: number) => cachedPrice({ version, price: Number.NaN, json: jsonOf(bytes) })
  /** Room for ten values of a thousand bytes. */
  const tenThousand = () =>
    new ObjectL1({ slots: 100, maxPairs: 100, mostBytes: 10 * 4_500, warmShare: 0.3, keepsUpdates: true })
  const set = (l1: ObjectL1, pairId: number, bytes: number, version = 1) =>
    l1.update(pairId, version, numbers, 0, 0, jsonOf(bytes))
  const held = (l1: ObjectL1, pairIds: number) =>
    Array.from({ length: pairIds }, (_, pairId) => pairId).filter((pairId) => l1.has(pairId))

  test('evicts the least recently used values for a new one, as many as that takes', () => {
    const l1 = tenThousand()
    for (let pairId = 0; pairId < 10; pairId++) expect(set(l1, pairId, 1_000)).toBe('inserted')
    expect(l1.usedBytes).toBe(10 * 4_500)
    l1.get(0, emptyPrice())
    expect(set(l1, 10, 2_000)).toBe('inserted')
    expect(held(l1, 11)).toEqual([0, 3, 4, 5, 6, 7, 8, 9, 10])
  })

  test('evicts others where a value grows in its place, and not that one', () => {
    const l1 = tenThousand()
    for (let pairId = 0; pairId < 10; pairId++) set(l1, pairId, 1_000)
    expect(set(l1, 0, 3_000, 2)).toBe('refreshed')
    expect(held(l1, 10)).toEqual([0, 3, 4, 5, 6, 7, 8, 9])
    expect(l1.usedBytes).toBeLessThanOrEqual(10 * 4_500)
  })

  test('does not keep what is larger than all of it, nor what the pair had before', () => {
    const l1 = tenThousand()
    set(l1, 0, 1_000)
    expect([set(l1, 0, 20_000, 2), l1.has(0), l1.floor(0), l1.usedBytes]).toEqual(['floor-only', false, 2, 0])
    expect(l1.promote(1, loadedOf(1, 20_000))).toBe('no-room')
  })

  test('lets warms have three tenths of the bytes', () => {
    const l1 = tenThousand()
    for (let pairId = 0; pairId < 5; pairId++) set(l1, pairId, 1_000)
    for (let pairId = 5; pairId < 10; pairId++) expect(l1.promote(pairId, loadedOf(1, 1_000))).toBe('warmed')
    expect([held(l1, 10), l1.usage.warm]).toEqual([[0, 1, 2, 3, 4, 7, 8, 9], 3])
    l1.get(7, emptyPrice())
    l1.remove(8)
    for (let pairId = 20; pairId < 22; pairId++) l1.promote(pairId, loadedOf(1, 1_000))
    expect([9, 20, 21].map((pairId) => l1.has(pairId))).toEqual([true, true, true])
    expect(l1.promote(30, loadedOf(1, 4_000))).toBe('no-room')
  })

  test('shrinks with a shortage of memory', () => {
    const l1 = tenThousand()
    for (let pairId = 0; pairId < 10; pairId++) set(l1, pairId, 1_000)
    l1.resize(0.5, 0)
    expect([held(l1, 10), l1.usedBytes]).toEqual([[5, 6, 7, 8, 9], 5 * 4_500])
  })

  test('keeps the updates of further pairs out of it when it is full, if these are prices', () => {
    const l1 = new ObjectL1({ slots: 100, maxPairs: 100, mostBytes: 10 * 4_500 })
    const outcomes = Array.from({ length: 11 }, (_, pairId) => set(l1, pairId, 1_000))
    expect(outcomes).toEqual([...Array(10).fill('inserted'), 'floor-only'])
    expect([set(l1, 3, 900, 2), held(l1, 11).length, l1.floor(10)]).toEqual(['refreshed', 10, 1])
  })

  test('takes the value of L2 where it has another one of the same version', () => {
    const l1 = tenThousand()
    l1.update(0, 7, numbers, 0, 0, jsonOf(10, 'a'))
    const into = emptyPrice()
    const other = cachedPrice({ version: 7, price: Number.NaN, json: jsonOf(10, 'b') })
    expect([l1.fill(0, other), l1.fill(0, other), l1.peek(0, into), into.json?.text]).toEqual([
      ...['filled', 'already', true, other.json?.text],
    ])
  })
})
