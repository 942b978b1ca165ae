import { describe, expect, test } from '@jest/globals'
import { EdgeRows, emptyRow } from '../../../src/correlation/mined/edge-rows.ts'
import { MinedEdges } from '../../../src/correlation/mined/mined-edges.ts'
import { Miner } from '../../../src/correlation/mined/miner.ts'
import { STRETCH_MS } from '../../../src/correlation/mined/update-log.ts'
import { Tracker } from '../../../src/correlation/tracker.ts'
import { mulberry32 } from '../../harness/mulberry32.ts'

const SEED = 3

const OPTIONS = { nowMs: 70_000, limit: 5, minScore: 0.1 }

/** Pair 1 is updated once a second; pair 2 follows each update and pair 3 every second one. Both are read. */
interface Minute {
  readonly mined: MinedEdges
  readonly tracker: Tracker
  /** Mines the stretch that has ended. */
  readonly mine: () => void
}

function minedMinute(): Minute {
  const mined = new MinedEdges({ maxPairs: 10, entries: 16_384 })
  const tracker = new Tracker({ maxPairs: 10, mined })
  for (const pairId of [2, 3]) tracker.read(0, pairId, 0)
  for (let second = 0; second <= 60; second++) {
    tracker.observe(1, second * 1000, 0)
    tracker.observe(2, second * 1000 + 40, 0)
    if (second % 2 === 0) tracker.observe(3, second * 1000 + 90, 0)
  }
  const { memory } = mined
  if (memory === undefined) throw new Error('nothing was read')
  const miner = new Miner(memory)
  const mine = (): void => {
    const stretch = mined.takeStretch()
    if (stretch === undefined) throw new Error('no stretch has ended')
    miner.mine(stretch)
  }
  mine()
  return { mined, tracker, mine }
}

describe('pairs to warm after an update', () => {
  test('are those that follow it, likeliest first, each with its evidence', () => {
    const { tracker } = minedMinute()
    const pairs = tracker.getPairsToWarm(1, OPTIONS)
    expect(pairs.map(({ pairId }) => pairId)).toEqual([2, 3])
    expect(pairs[0]?.score).toBeCloseTo(60 / 62)
    expect(pairs[1]?.score).toBeCloseTo(30 / 62)
    expect(pairs[1]?.lagMs).toBeGreaterThan(pairs[0]?.lagMs ?? 0)
    expect(pairs[0]?.reason).toMatch(
      /^updated \d+ ms after 60 of 60 updates, .* times as often as otherwise, last 11 s ago$/,
    )
  })

  test('are also those that its handlers read, each pair once', () => {
    const { tracker } = minedMinute()
    const edges = [2, 4].map((pairId) => tracker.read(1, pairId, 50))
    for (let i = 0; i < 8; i++) tracker.settle(1, 1 << (edges[0] as number))
    expect(tracker.getPairsToWarm(1, OPTIONS)).toMatchObject([
      { pairId: 2, kind: 'read', reason: "read 50 ms after the pair's updates, of late after 83 % of them" },
      { pairId: 3, kind: 'updated' },
      { pairId: 4, kind: 'read', lagMs: 50, reason: "read 50 ms after the pair's updates, of late after 17 % of them" },
    ])
    expect(tracker.getPairsToWarm(4, OPTIONS)).toMatchObject([
      { pairId: 1, score: 0.5, reason: "a reader of the pair, or read by one, 50 ms after the reader's updates" },
      { pairId: 2 },
    ])
  })

  test('include a pair once that is both updated and missed after it', () => {
    const mined = new MinedEdges({ maxPairs: 10, entries: 16_384 })
    const tracker = new Tracker({ maxPairs: 10, mined })
    const random = mulberry32(SEED)
    tracker.readAlone(2)
    for (let second = 0; second <= 60; second++) {
      tracker.observe(1, second * 1000, 0)
      tracker.observe(2, second * 1000 + 40, 0)
      tracker.missed(2, 0, second * 1000 + 60 + random() * 50)
    }
    const { memory } = mined
    const stretch = mined.takeStretch()
    if (memory === undefined || stretch === undefined) throw new Error('no stretch has ended')
    new Miner(memory).mine(stretch)
    expect(tracker.getPairsToWarm(1, OPTIONS).map(({ pairId }) => pairId)).toEqual([2])
  })

  test('have a reason without exponents, and without a negative time if the clock is behind', () => {
    const { mined } = minedMinute()
    const edge = { ...{ mark: 4, hits: 9, trials: 9, lastSlice: 200, lagMs: 40, lift: 123.4 }, z: 9, minedTo: 1 }
    expect(mined.reasonOf(edge, 500)).toBe(
      'updated 40 ms after 9 of 9 updates, 120 times as often as otherwise, last 0 s ago',
    )
  })

  test('are no more than the limit, and none has less than the least score', () => {
    const { tracker } = minedMinute()
    expect(tracker.getPairsToWarm(1, { ...OPTIONS, limit: 1 }).map(({ pairId }) => pairId)).toEqual([2])
    expect(tracker.getPairsToWarm(1, { ...OPTIONS, minScore: 0.6 }).map(({ pairId }) => pairId)).toEqual([2])
  })

  test('are none after a pair that nobody follows or that is unknown, and none without mining', () => {
    const { tracker } = minedMinute()
    for (const pairId of [5, 10, 1_000_000]) expect(tracker.getPairsToWarm(pairId, OPTIONS)).toEqual([])
    expect(new Tracker({ maxPairs: 10 }).getPairsToWarm(1, OPTIONS)).toEqual([])
  })
})

describe('a pair that makes room for another one', () => {
  /** Pair 20 comes when all ten places are taken, and `pairId` was not seen for long. */
  function replace({ mined, tracker }: Minute, pairId: number): void {
    for (let round = 0; round < 10; round++)
      for (let other = 0; other < 10; other++) if (other !== pairId) tracker.observe(other, 61_000, 0)
    tracker.observe(20, 61_000, 0)
    tracker.read(3, 20, 0)
    expect([tracker.recycled, mined.older]).toEqual([1, 0])
  }

  test('is no longer warmed, nor is the other one in its place, before and after the next stretch', () => {
    const minute = minedMinute()
    replace(minute, 2)
    expect(minute.tracker.getPairsToWarm(1, OPTIONS).map(({ pairId }) => pairId)).toEqual([3])
    minute.tracker.observe(20, 60_000 + STRETCH_MS, 0)
    minute.mine()
    expect(minute.tracker.getPairsToWarm(1, OPTIONS).map(({ pairId }) => pairId)).toEqual([3])
  })

  test('leaves none of its followers to the other one', () => {
    const minute = minedMinute()
    replace(minute, 1)
    // Only pair 3 is known to read it.
    expect(minute.tracker.getPairsToWarm(20, OPTIONS)).toMatchObject([{ pairId: 3, kind: 'read' }])
    minute.tracker.observe(20, 60_000 + STRETCH_MS, 0)
    minute.mine()
    expect(minute.tracker.getPairsToWarm(20, OPTIONS)).toMatchObject([{ pairId: 3, kind: 'read' }])
  })
})

test('an edge to a delisted pair is dropped at once, and stays so when the pair is listed again', () => {
  const { tracker } = minedMinute()
  tracker.forget(2)
  expect(tracker.getPairsToWarm(1, OPTIONS).map(({ pairId }) => pairId)).toEqual([3])
  tracker.read(0, 2, 0)
  expect(tracker.getPairsToWarm(1, OPTIONS).map(({ pairId }) => pairId)).toEqual([3])
})

test('an edge that may be due to chance is not used', () => {
  const mined = new MinedEdges({ maxPairs: 1_000, entries: 262_144 })
  const random = mulberry32(SEED)
  for (let pairId = 0; pairId < 1_000; pairId++) mined.read(pairId)
  for (let atMs = 0; atMs <= 60_000; atMs++) mined.update(Math.floor(random() * 1_000), 0, atMs)
  const { memory } = mined
  const stretch = mined.takeStretch()
  if (memory === undefined || stretch === undefined) throw new Error('no stretch has ended')
  new Miner(memory).mine(stretch)
  const row = emptyRow()
  const kept = new EdgeRows(memory.edges)
  const counts = { kept: 0, sure: 0 }
  for (let pairId = 0; pairId < 1_000; pairId++) {
    counts.kept += kept.read(pairId, row)
    counts.sure += mined.after(pairId, row)
  }
  expect(counts.kept).toBeGreaterThan(1_000)
  expect(counts.sure).toBeLessThan(100)
})

test('no update is logged until somebody reads a pair', () => {
  const mined = new MinedEdges({ maxPairs: 10, entries: 16_384 })
  mined.update(1, 0, 1000)
  mined.missed(1, 0, 1000)
  mined.read(10)
  expect(mined.memory).toBeUndefined()
  mined.read(9)
  expect(mined.memory).toBeDefined()
})
