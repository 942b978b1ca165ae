import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from '@jest/globals'
import { Residency } from '../../../src/cache/l1/residency.ts'
import { indexOfWarmKind } from '../../../src/cache/l1/usage.ts'

const DATASETS = process.env.FOREWARM_DATASETS ?? resolve(import.meta.dirname, '../../../../shared/datasets')

/** Reads a pair as a detector does: a pair that is missed is admitted. */
function read(residency: Residency, pairId: number): boolean {
  const slot = residency.slotOf(pairId)
  if (slot >= 0) residency.hit(slot)
  else {
    residency.miss(pairId)
    residency.admit(pairId, 'demand')
  }
  return slot >= 0
}

function isResident(residency: Residency, pairId: number): boolean {
  return residency.slotOf(pairId) >= 0
}

describe('the residency on a recorded trace', () => {
  function accesses(trace: string): Int32Array | undefined {
    const file = join(DATASETS, 'access', `${trace}.txt.gz`)
    if (existsSync(file)) return Int32Array.from(gunzipSync(readFileSync(file)).toString().trim().split('\n'), Number)
    console.warn(`no ${file}: set FOREWARM_DATASETS to where the recorded data is; this test shows nothing without`)
    return undefined
  }

  function hitRatio(keys: Int32Array, slots: number): number {
    const residency = new Residency({ slots, maxPairs: Math.max(...keys) + 1, warmShare: 0.3 })
    let hits = 0
    for (const key of keys) if (read(residency, key)) hits++
    return hits / keys.length
  }

  // Hit ratios of S3-FIFO by libCacheSim at 1, 5, 10 and 20 % of the keys (README.md of the data).
  test.each([
    ['web12', 138, 0.4106],
    ['web12', 688, 0.6483],
    ['web12', 1376, 0.7226],
    ['web12', 2751, 0.7803],
    ['multi3', 75, 0.1505],
    ['multi3', 373, 0.3516],
    ['multi3', 745, 0.4528],
    ['multi3', 1491, 0.4874],
  ])('of %s, with %i slots, hits at least .99 times as often as S3-FIFO in libCacheSim', (trace, slots, reference) => {
    const keys = accesses(trace)
    if (keys !== undefined) expect(hitRatio(keys, slots)).toBeGreaterThanOrEqual(reference * 0.99)
  })
})

describe('a demand entry of the residency', () => {
  test('that is read again stays through a scan of pairs that are read once', () => {
    const residency = new Residency({ slots: 20, maxPairs: 1000, warmShare: 0.3 })
    for (let round = 0; round < 3; round++) for (let pair = 0; pair < 10; pair++) read(residency, pair)
    for (let pair = 100; pair < 1000; pair++) read(residency, pair)
    for (let pair = 0; pair < 10; pair++) expect([pair, isResident(residency, pair)]).toEqual([pair, true])
  })

  test('that is missed soon after its eviction comes back into the main queue', () => {
    const residency = new Residency({ slots: 10, maxPairs: 1000, warmShare: 0 })
    for (let pair = 0; pair < 11; pair++) read(residency, pair)
    expect(isResident(residency, 0)).toBe(false)
    read(residency, 0)
    for (let pair = 100; pair < 120; pair++) read(residency, pair)
    expect(isResident(residency, 0)).toBe(true)
  })

  test('may use every slot while there are no warms', () => {
    const residency = new Residency({ slots: 10, maxPairs: 100, warmShare: 0.3 })
    for (let pair = 0; pair < 10; pair++) read(residency, pair)
    expect([residency.resident, residency.evictions]).toEqual([10, 0])
    for (let pair = 0; pair < 10; pair++) expect(isResident(residency, pair)).toBe(true)
  })

  test('that is expected is passed by once by eviction', () => {
    const residency = new Residency({ slots: 4, maxPairs: 100, warmShare: 0 })
    for (let pair = 0; pair < 4; pair++) read(residency, pair)
    residency.expect(residency.slotOf(0))
    read(residency, 4)
    expect([isResident(residency, 0), isResident(residency, 1)]).toEqual([true, false])
  })
})

describe('a warm of the residency', () => {
  test('evicts the oldest warm once warms hold their share', () => {
    const residency = new Residency({ slots: 10, maxPairs: 100, warmShare: 0.3 })
    for (let pair = 0; pair < 7; pair++) read(residency, pair)
    for (let pair = 50; pair < 54; pair++) residency.admit(pair, 'warm')
    expect([isResident(residency, 50), isResident(residency, 51), residency.warm]).toEqual([false, true, 3])
    for (let pair = 0; pair < 7; pair++) expect(isResident(residency, pair)).toBe(true)
    expect(residency.warmCounts).toEqual({ admitted: 4, used: 0, unused: 1, dropped: 0 })
  })

  test('waits longer for its read if it is by history', () => {
    const residency = new Residency({ slots: 10, maxPairs: 100, warmShare: 0.3 })
    for (let pair = 0; pair < 8; pair++) read(residency, pair)
    residency.admit(50, 'warm', indexOfWarmKind('time_of_day'))
    residency.admit(51, 'warm')
    for (let reads = 0; reads < 20; reads++) read(residency, 0)
    read(residency, 60)
    expect([50, 51].map((pair) => isResident(residency, pair))).toEqual([true, false])
    for (let reads = 0; reads < 110; reads++) read(residency, 0)
    read(residency, 61)
    expect(isResident(residency, 50)).toBe(false)
  })

  test('that is renewed is the last to be evicted, and has its whole horizon again', () => {
    const residency = new Residency({ slots: 10, maxPairs: 100, warmShare: 0.3 })
    for (let pair = 0; pair < 7; pair++) read(residency, pair)
    for (let pair = 50; pair < 53; pair++) residency.admit(pair, 'warm')
    for (let reads = 0; reads < 5; reads++) read(residency, 0)
    residency.renew(residency.slotOf(50))
    residency.admit(53, 'warm')
    expect([50, 51, 52, 53].map((pair) => isResident(residency, pair))).toEqual([true, false, true, true])
    read(residency, 0)
    read(residency, 60)
    expect([50, 52].map((pair) => isResident(residency, pair))).toEqual([true, false])
  })

  test('is renewed only until it is read', () => {
    const residency = new Residency({ slots: 4, maxPairs: 100, warmShare: 0.5 })
    for (let pair = 0; pair < 4; pair++) read(residency, pair)
    residency.renew(residency.slotOf(0))
    read(residency, 4)
    expect([isResident(residency, 0), residency.warm]).toEqual([false, 0])
  })

  test('borrows a slot from the demand part, until warms hold their share', () => {
    const residency = new Residency({ slots: 10, maxPairs: 100, warmShare: 0.3 })
    for (let pair = 0; pair < 10; pair++) read(residency, pair)
    residency.admit(50, 'warm')
    expect([residency.resident, residency.warm, residency.evictions]).toEqual([10, 1, 1])
  })

  test('belongs to the demand part once it is read', () => {
    const residency = new Residency({ slots: 10, maxPairs: 100, warmShare: 0.3 })
    residency.admit(50, 'warm')
    expect(residency.warm).toBe(1)
    expect(read(residency, 50)).toBe(true)
    expect([residency.resident, residency.warm]).toEqual([1, 0])
    expect(residency.warmCounts).toEqual({ admitted: 1, used: 1, unused: 0, dropped: 0 })
    read(residency, 50)
    expect(residency.warmCounts.used).toBe(1)
  })

  test('that is unread after twice as many reads as warms may have slots is evicted before a demand entry', () => {
    const residency = new Residency({ slots: 10, maxPairs: 100, warmShare: 0.3 })
    for (let pair = 0; pair < 9; pair++) read(residency, pair)
    residency.admit(50, 'warm')
    for (let reads = 0; reads < 5; reads++) read(residency, 1)
    read(residency, 20)
    expect([isResident(residency, 50), isResident(residency, 0)]).toEqual([true, false])
    read(residency, 21)
    expect([isResident(residency, 50), isResident(residency, 2)]).toEqual([false, true])
    expect(residency.warmCounts).toEqual({ admitted: 1, used: 0, unused: 1, dropped: 0 })
  })

  test('that is unread for long stays while there is a free slot', () => {
    const residency = new Residency({ slots: 10, maxPairs: 100, warmShare: 0.3 })
    residency.admit(50, 'warm')
    for (let reads = 0; reads < 100; reads++) read(residency, reads % 9)
    expect([isResident(residency, 50), residency.evictions]).toEqual([true, 0])
  })

  test('of a delisted pair is dropped, and is neither used nor unused', () => {
    const residency = new Residency({ slots: 10, maxPairs: 100, warmShare: 0.3 })
    residency.admit(50, 'warm')
    residency.remove(50)
    expect([residency.resident, isResident(residency, 50)]).toEqual([0, false])
    expect(residency.warmCounts).toEqual({ admitted: 1, used: 0, unused: 0, dropped: 1 })
  })

  test('finds no room if the share of warms is less than a slot', () => {
    const residency = new Residency({ slots: 3, maxPairs: 100, warmShare: 0.3 })
    expect(residency.admit(50, 'warm')).toBe(-1)
    expect(residency.warmCounts.admitted).toBe(0)
  })

  test('leaves a slot to demand reads even if warms may hold all slots', () => {
    const residency = new Residency({ slots: 2, maxPairs: 100, warmShare: 1 })
    residency.admit(50, 'warm')
    residency.admit(51, 'warm')
    read(residency, 1)
    expect([isResident(residency, 1), isResident(residency, 50), isResident(residency, 51)]).toEqual([
      true,
      false,
      true,
    ])
  })
})

describe('the kind of a warm', () => {
  const [LOOK_AHEAD, MANUAL] = [0, 2]

  test('is told with what became of the warm', () => {
    const residency = new Residency({ slots: 10, maxPairs: 20, warmShare: 0.3 })
    residency.admit(1, 'warm', LOOK_AHEAD)
    residency.admit(2, 'warm', MANUAL)
    residency.hit(residency.slotOf(2))
    for (let pairId = 3; pairId < 6; pairId++) residency.admit(pairId, 'warm', MANUAL)
    expect(residency.warmsByKind[LOOK_AHEAD]).toEqual({ admitted: 1, used: 0, unused: 1, dropped: 0 })
    expect(residency.warmsByKind[MANUAL]).toEqual({ admitted: 4, used: 1, unused: 0, dropped: 0 })
    expect(residency.warmCounts).toEqual({ admitted: 5, used: 1, unused: 1, dropped: 0 })
  })
})

describe('a miss on a pair that was evicted to make room for a warm', () => {
  const full = () => {
    const residency = new Residency({ slots: 4, maxPairs: 20, warmShare: 0.5 })
    for (let pairId = 0; pairId < 4; pairId++) residency.admit(pairId, 'demand')
    return residency
  }
  const gone = (residency: Residency) => [0, 1, 2, 3].find((pairId) => residency.slotOf(pairId) < 0) ?? -1

  test('is counted once', () => {
    const residency = full()
    residency.admit(10, 'warm')
    const pairId = gone(residency)
    residency.miss(pairId)
    residency.miss(pairId)
    expect(residency.pushedOut.missed).toBe(1)
  })

  test('is told apart if it comes within the horizon: twice as many reads as warms may have slots', () => {
    const missedAfter = (reads: number) => {
      const residency = full()
      residency.admit(10, 'warm')
      const pairId = gone(residency)
      for (let i = 1; i < reads; i++) residency.hit(residency.slotOf(10))
      residency.miss(pairId)
      return residency.pushedOut.missedSoon
    }
    expect([missedAfter(4), missedAfter(5)]).toEqual([1, 0])
  })

  test('is also counted if the pair was a warm itself', () => {
    const residency = new Residency({ slots: 10, maxPairs: 20, warmShare: 0.1 })
    residency.admit(1, 'warm')
    residency.admit(2, 'warm')
    residency.miss(1)
    expect(residency.pushedOut).toMatchObject({ missed: 1, missedSoon: 1 })
  })

  test('is not counted if the pair made room for a read, or has come back since', () => {
    const byRead = full()
    byRead.admit(10, 'demand')
    byRead.miss(gone(byRead))
    const back = full()
    back.admit(10, 'warm')
    const pairId = gone(back)
    back.admit(pairId, 'demand')
    back.miss(pairId)
    expect([byRead.pushedOut.missed, back.pushedOut.missed]).toEqual([0, 0])
  })
})
