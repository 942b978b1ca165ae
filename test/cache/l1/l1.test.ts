import { readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { NUMBER_COUNT } from '../../../schemas/price-update.ts'
import { emptyPrice, VERSIONS_PER_MS } from '../../../src/cache/cached-price.ts'
import { L1 } from '../../../src/cache/l1/l1.ts'
import { PAIR_BYTES, SLOT_BYTES, slotsIn } from '../../../src/cache/l1/memory.ts'
import { cachedPrice } from '../l2/columns.ts'
import { boundsHold, holds, readsNeverGoBack, sizes, slotsAndPairsMatch } from './properties.ts'
import { ForgetfulLevel, PAIRS, schedule, take } from './schedules.ts'

const newL1 = (slots: number, warmShare = 0.3) => new L1({ slots, maxPairs: PAIRS, warmShare })

describe('in random schedules of updates, fills, warms, reads and removals', () => {
  test('no read of L1 gives an older version than an earlier read', () => {
    fc.assert(readsNeverGoBack(newL1), { numRuns: 1000 })
  })

  test('an L1 without floors gives an older version, and the schedules find it', () => {
    expect(
      fc.check(
        readsNeverGoBack((slots) => new ForgetfulLevel(slots)),
        { numRuns: 1000 },
      ).failed,
    ).toBe(true)
  })

  test('L1 holds the newest value that the pair had, and its floors never sink', () => {
    fc.assert(
      fc.property(sizes, schedule, ({ slots, warmShare }, steps) => {
        const l1 = newL1(slots, warmShare)
        for (const step of steps) {
          const floors = Array.from({ length: PAIRS }, (_, pairId) => l1.floor(pairId))
          take(l1, step)
          for (let pairId = 0; pairId < PAIRS; pairId++) {
            const value = emptyPrice()
            holds(l1.floor(pairId) >= (floors[pairId] as number), `the floor of ${pairId} sank`)
            holds(l1.peek(pairId, value) === l1.has(pairId), `${pairId} is there and is not`)
            holds(!l1.has(pairId) || value.version === l1.floor(pairId), `${pairId} is not at its floor`)
          }
        }
      }),
      { numRuns: 100 },
    )
  })

  test('the slots of L1, the share of warms and the counts of warms keep their bounds', () => {
    fc.assert(boundsHold(newL1), { numRuns: 200 })
  })

  test('the slots and pairs of L1 point at each other, one to one', () => {
    fc.assert(slotsAndPairsMatch(), { numRuns: 200 })
  })

  test('L1 holds every known pair and evicts none while all of them fit', () => {
    fc.assert(
      fc.property(schedule, fc.integer({ min: 1, max: PAIRS }), (steps, warmedPairs) => {
        const l1 = newL1(PAIRS, warmedPairs / PAIRS)
        const known = new Set<number>()
        for (const step of steps) {
          if (step.type === 'remove' || (step.type === 'promote' && step.pairId >= warmedPairs)) continue
          take(l1, step)
          if ('version' in step) known.add(step.pairId)
          for (const pairId of known) holds(l1.has(pairId), `${pairId} is gone`)
        }
        expect(l1.usage.evictions).toBe(0)
      }),
      { numRuns: 200 },
    )
  })
})

const numbers = Float64Array.from({ length: NUMBER_COUNT * 2 }, (_, at) => at + 0.5)

describe('an update of L1', () => {
  test('is kept with all its numbers while all known pairs fit', () => {
    const l1 = newL1(2)
    expect(l1.update(0, 5 * VERSIONS_PER_MS, numbers, NUMBER_COUNT)).toBe('inserted')
    const value = emptyPrice()
    expect(l1.get(0, value)).toBe(true)
    expect(value).toEqual({
      ...emptyPrice(),
      ...{ epoch: 0, version: 5 * VERSIONS_PER_MS, eventTimeMs: 5, price: 6.5, bid: 7.5, ask: 8.5 },
      ...{ reserve0: 9.5, reserve1: 10.5, liquidity: 11.5 },
    })
  })

  test('leaves no number of the update before it that it does not have itself', () => {
    const l1 = newL1(2)
    l1.update(0, 1, numbers, 0)
    l1.update(0, 2, new Float64Array(NUMBER_COUNT).fill(Number.NaN, 1), 0)
    const value = emptyPrice()
    l1.get(0, value)
    expect([value.price, value.bid, value.liquidity]).toEqual([0, Number.NaN, Number.NaN])
  })

  test('of a pair that is not resident moves only the floor once there are more known pairs than slots', () => {
    const l1 = newL1(2)
    for (const pairId of [0, 1]) l1.update(pairId, 1, numbers, 0)
    expect(l1.update(2, 7, numbers, 0)).toBe('floor-only')
    expect([l1.has(2), l1.floor(2), l1.has(0), l1.has(1)]).toEqual([false, 7, true, true])
    expect(l1.update(0, 2, numbers, 0)).toBe('refreshed')
  })

  test('that is older than the floor changes nothing', () => {
    const l1 = newL1(2)
    l1.update(0, 5, numbers, 0)
    expect(l1.update(0, 4, numbers, 0)).toBe('older')
    expect(l1.floor(0)).toBe(5)
  })
})

describe('the version of an update in L1', () => {
  test('is made of its event time and its place in the millisecond', () => {
    const l1 = newL1(2)
    expect(l1.nextVersion(0, 10)).toBe(10 * VERSIONS_PER_MS)
    l1.update(0, l1.nextVersion(0, 10), numbers, 0)
    expect(l1.nextVersion(0, 10)).toBe(10 * VERSIONS_PER_MS + 1)
    expect(l1.nextVersion(0, 11)).toBe(11 * VERSIONS_PER_MS)
    expect(l1.nextVersion(1, 10)).toBe(10 * VERSIONS_PER_MS)
  })

  test('is refused for an event time older than the last one of the pair', () => {
    const l1 = newL1(2)
    l1.update(0, l1.nextVersion(0, 10), numbers, 0)
    expect(l1.nextVersion(0, 9)).toBe(-1)
  })

  test('is refused after 4,096 updates in one millisecond, and never runs into the next millisecond', () => {
    const l1 = newL1(2)
    for (let place = 0; place < VERSIONS_PER_MS; place++) {
      expect(l1.nextVersion(0, 10)).toBe(10 * VERSIONS_PER_MS + place)
      l1.update(0, l1.nextVersion(0, 10), numbers, 0)
    }
    expect(l1.nextVersion(0, 10)).toBe(-2)
    expect(l1.nextVersion(0, 11)).toBe(11 * VERSIONS_PER_MS)
  })
})

describe('the floor of a pair in L1', () => {
  test('outlives eviction, so that an older value from L2 is refused', () => {
    const l1 = newL1(1)
    l1.fill(0, cachedPrice({ version: 9 }))
    l1.fill(1, cachedPrice({ version: 1 }))
    expect([l1.has(0), l1.floor(0)]).toEqual([false, 9])
    expect(l1.fill(0, cachedPrice({ version: 8 }))).toBe('older')
    expect(l1.promote(0, cachedPrice({ version: 8 }))).toBe('older')
    expect(l1.fill(0, cachedPrice({ version: 9 }))).toBe('filled')
  })

  test('rises above the last value of a delisted pair, so that even that value is refused', () => {
    const l1 = newL1(4)
    l1.update(0, 9, numbers, 0)
    l1.remove(0)
    l1.remove(0)
    expect(l1.fill(0, cachedPrice({ version: 9 }))).toBe('older')
    expect(l1.promote(0, cachedPrice({ version: 9 }))).toBe('older')
    expect(l1.floor(0)).toBe(10)
  })

  test('lets a relisted pair in, in the same millisecond or a later one', () => {
    const l1 = newL1(4)
    l1.update(0, l1.nextVersion(0, 10), numbers, 0)
    l1.remove(0)
    expect(l1.update(0, l1.nextVersion(0, 10), numbers, 0)).toBe('inserted')
  })
})

test('a delisted pair is no longer known to L1, so that another pair fits in its place', () => {
  const l1 = newL1(2)
  for (const pairId of [0, 1]) l1.update(pairId, 1, numbers, 0)
  l1.remove(0)
  expect(l1.update(2, 1, numbers, 0)).toBe('inserted')
  l1.remove(2)
  expect(l1.update(0, 5, numbers, 0)).toBe('inserted')
  expect(l1.update(3, 1, numbers, 0)).toBe('floor-only')
})

describe('a fill or a promotion of L1', () => {
  test('refreshes a resident pair with a newer value', () => {
    const l1 = newL1(4)
    l1.update(0, 1, numbers, 0)
    expect(l1.fill(0, cachedPrice({ version: 1 }))).toBe('already')
    expect(l1.fill(0, cachedPrice({ version: 2 }))).toBe('filled')
    expect(l1.promote(0, cachedPrice({ version: 3 }))).toBe('already')
    expect(l1.floor(0)).toBe(3)
    expect(l1.usage.warmCounts.admitted).toBe(0)
  })

  test('that finds no room leaves the floor as it is', () => {
    const l1 = newL1(2)
    expect(l1.promote(0, cachedPrice({ version: 3 }))).toBe('no-room')
    expect([l1.has(0), l1.floor(0)]).toEqual([false, 0])
  })

  test('makes a warm that a demand read turns into a demand entry, and a peek does not', () => {
    const l1 = newL1(10)
    l1.promote(0, cachedPrice({ version: 3 }))
    const value = emptyPrice()
    l1.peek(0, value)
    expect([l1.usage.warm, l1.usage.warmCounts.used]).toEqual([1, 0])
    l1.get(0, value)
    expect([l1.usage.warm, l1.usage.warmCounts.used, value.version]).toEqual([0, 1, 3])
  })
})

test('the documentation says how many bytes L1 needs for a slot and for a pair', () => {
  const text = readFileSync(new URL('../../../docs/cache.md', import.meta.url), 'utf8')
  const [, slot, pair] = /(\d+) B a slot and (\d+) B a pair/.exec(text) ?? []
  expect([Number(slot), Number(pair)]).toEqual([SLOT_BYTES, PAIR_BYTES])
})

test('L1 has as many slots as fit into its megabytes, and at least one', () => {
  expect(slotsIn(1, 1000)).toBe(Math.floor((2 ** 20 - 1000 * PAIR_BYTES) / SLOT_BYTES))
  expect(slotsIn(1, 1_000_000)).toBe(Math.floor(2 ** 19 / SLOT_BYTES))
  expect(new L1({ slots: slotsIn(1, 1000), maxPairs: 1000 }).bytes).toBeLessThanOrEqual(2 ** 20)
})
