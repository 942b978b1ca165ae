import { describe, expect, test } from '@jest/globals'
import { KnownReads } from '../../src/correlation/known-reads.ts'
import type { LeaderEdges } from '../../src/correlation/leader-edges.ts'
import { MinedEdges } from '../../src/correlation/mined/mined-edges.ts'
import { Miner, type MinerOptions } from '../../src/correlation/mined/miner.ts'
import { Tracker } from '../../src/correlation/tracker.ts'

const [A, B, C] = [1, 2, 3]
const BEGAN_MS = 1_767_225_600_000

/** Records that wait for leaders by their ids. */
class Waiting extends Map<number, LeaderEdges> {
  take(leader: number): LeaderEdges | undefined {
    const edges = this.get(leader)
    this.delete(leader)
    return edges
  }
}

const edgesTo = (reads: readonly (readonly [pairId: number, rate: number])[]): LeaderEdges => ({
  reads: reads.map(([pairId, rate]) => ({ pairId, rate, lagMs: 30 })),
  mined: [],
  asOfMs: 0,
})

const learned = (...pairs: readonly number[]) => edgesTo(pairs.map((pairId) => [pairId, 0.75]))

function trackerWith(leaders: readonly (readonly [number, LeaderEdges])[], mined?: MinedEdges) {
  const waiting = new Waiting(leaders)
  const tracker = new Tracker({ maxPairs: 1_000, waiting, ...(mined !== undefined && { mined }) })
  const readsAfter = (leader: number) => {
    const known = new KnownReads()
    tracker.readsAfter(leader, known)
    return known.edges().map(({ pairId, rate }) => [pairId, rate])
  }
  return { tracker, waiting, readsAfter }
}

describe('a leader whose edges wait', () => {
  test('has them as soon as somebody asks what follows it, before its first update', () => {
    const { tracker, readsAfter, waiting } = trackerWith([[A, learned(B, C)]])
    expect(readsAfter(A)).toEqual([
      [B, 0.75],
      [C, 0.75],
    ])
    expect([tracker.restored, waiting.size, tracker.totalUpdates, tracker.totalPairs]).toEqual([2, 0, 0, 0])
  })

  test('has them at its first update, and at an earlier one that is read again', () => {
    const first = trackerWith([[A, learned(B)]])
    first.tracker.observe(A)
    const earlier = trackerWith([[A, learned(B)]])
    earlier.tracker.observeEarlier(A, BEGAN_MS, 0)
    expect([first.tracker.restored, earlier.tracker.restored]).toEqual([1, 1])
    expect([first.tracker.totalUpdates, earlier.tracker.totalUpdates]).toEqual([1, 0])
    expect([first.tracker.updatesOf(A), earlier.tracker.updatesOf(A)]).toEqual([1, 0])
  })

  test('loses those that its first update does not confirm sooner than others, and keeps those that it does', () => {
    const { tracker, readsAfter } = trackerWith([[A, learned(B, C)]])
    tracker.observe(A)
    tracker.settle(A, 1 << tracker.read(A, B, 30))
    // 0.75 + 0.25 ÷ 8, and 0.75 × 0.25 ÷ 1.25.
    expect(readsAfter(A)).toEqual([
      [B, Math.fround(0.78125)],
      [C, Math.fround(0.15)],
    ])
    tracker.observe(A)
    tracker.settle(A, 0)
    // The one that was confirmed fades as any other.
    expect(readsAfter(A)[0]).toEqual([B, Math.fround(0.78125 * 0.875)])
  })

  test('makes room at once for what its pair reads today, if its edges are out of date', () => {
    const old = Array.from({ length: 16 }, (_, at) => 100 + at)
    const reads = old.map((pairId) => ({ pairId, rate: 0.99, lagMs: 30 }))
    const { tracker, readsAfter } = trackerWith([[A, { reads, mined: [], asOfMs: 0 }]])
    tracker.observe(A)
    tracker.settle(A, 0)
    expect(readsAfter(A)).toEqual([])
    expect(tracker.read(A, B, 30)).toBeGreaterThanOrEqual(0)
  })

  test('that is only read gets its own edges when it is met itself', () => {
    const { tracker, waiting } = trackerWith([
      [A, learned(B)],
      [B, learned(C)],
    ])
    tracker.observe(A)
    expect([...waiting.keys()]).toEqual([B])
    tracker.observe(B)
    expect(waiting.size).toBe(0)
  })

  test('makes the pairs that it reads lend their edges, like reads that were seen', () => {
    const { readsAfter } = trackerWith([[A, learned(B, C)]])
    readsAfter(A)
    expect(readsAfter(B).map(([pairId]) => pairId)).toEqual([A, C])
  })
})

describe('edges that are taken over', () => {
  test('count more than what is known of them here, and leave the other edges in place', () => {
    const { tracker, readsAfter } = trackerWith([])
    tracker.observe(A)
    for (const pairId of [B, C]) tracker.read(A, pairId, 1)
    tracker.restore(A, learned(B))
    expect(readsAfter(A)).toEqual([
      [B, 0.75],
      [C, 0.5],
    ])
  })

  test('find room, as the edges that they do not have among them go, the rarest first', () => {
    const { tracker, readsAfter } = trackerWith([])
    tracker.observe(A)
    const old = Array.from({ length: 16 }, (_, at) => 100 + at)
    for (const [at, pairId] of old.entries()) tracker.restore(A, edgesTo([[pairId, 0.5 + at / 100]]), true)
    tracker.restore(
      A,
      edgesTo([
        [B, 0.75],
        [C, 0.75],
        [115, 0.8],
      ]),
    )
    const after = new Map(readsAfter(A).map(([pairId = 0, rate = 0]) => [pairId, rate] as const))
    expect([B, C, 115].map((pairId) => after.get(pairId)?.toFixed(2))).toEqual(['0.75', '0.75', '0.80'])
    expect([...after.keys()].filter((pairId) => pairId > C).toSorted()).toEqual(old.slice(2))
  })

  test('put the edges that they do not have among them in doubt', () => {
    const { tracker, readsAfter } = trackerWith([])
    tracker.observe(A)
    for (let update = 0; update < 30; update++) tracker.settle(A, 1 << tracker.read(A, C, 1))
    tracker.restore(A, learned(B))
    for (let update = 0; update < 2; update++) tracker.settle(A, 1 << tracker.read(A, B, 1))
    expect(readsAfter(A).map(([pairId]) => pairId)).toEqual([B])
  })

  test('count less if they come late', () => {
    const { tracker, readsAfter } = trackerWith([])
    tracker.observe(A)
    tracker.read(A, B, 1)
    tracker.restore(A, learned(B, C), true)
    expect(readsAfter(A)).toEqual([
      [B, 0.5],
      [C, 0.75],
    ])
  })
})

/** Followers of A that come 40 ms after it in the log; A's edges are mined from it. */
function minedOf(mined: MinedEdges, tracker: Tracker): void {
  for (const pairId of [A, B, C]) tracker.readAlone(pairId)
  let state = 7
  const random = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return state / 2 ** 32
  }
  for (let n = 0; n < 420; n++) {
    const atMs = BEGAN_MS + n * 150 + Math.floor(random() * 40)
    tracker.observe(A, atMs, 0)
    if (random() < 0.8) tracker.observe(B, atMs + 40, 0)
    tracker.observe(10 + Math.floor(random() * 20), atMs + 60, 0)
  }
  const stretch = mined.takeStretch()
  if (stretch === undefined) throw new Error('no stretch has ended')
  new Miner(mined.memory as MinerOptions).mine(stretch)
}

const known = (tracker: Tracker) =>
  tracker
    .getPairsToWarm(A, { nowMs: BEGAN_MS + 60_000, limit: 8, minScore: 0 })
    .map(({ pairId, score, kind, lagMs }) => ({ pairId, score, kind, lagMs }))

describe('mined edges', () => {
  test('that another tracker has mined are predicted by this one as they were there', () => {
    const mined = new MinedEdges({ maxPairs: 1_000, entries: 16_384 })
    const first = new Tracker({ maxPairs: 1_000, mined })
    minedOf(mined, first)
    const before = known(first)
    expect(before).toMatchObject([{ pairId: B, kind: 'updated' }])
    const kept = first.learnedOf(A)
    if (kept === undefined) throw new Error('nothing was learned')
    const { tracker } = trackerWith([[A, kept]], new MinedEdges({ maxPairs: 1_000, entries: 16_384 }))
    expect(known(tracker)).toEqual(before)
    expect(tracker.getPairsToWarm(A, { nowMs: 0, limit: 8, minScore: 0 })[0]?.reason).toMatch(/^updated \d+ ms after/)
    const again = tracker.learnedOf(A)
    expect(again?.mined.map(({ mark, hits }) => [mark, hits])).toEqual(kept.mined.map(({ mark, hits }) => [mark, hits]))
  })

  test('that were restored add to what is mined since', () => {
    const mined = new MinedEdges({ maxPairs: 1_000, entries: 16_384 })
    const edge = { mark: B * 2, hits: 400, trials: 500, lagMs: 40, lift: 9, z: 30, lastMs: BEGAN_MS }
    const { tracker } = trackerWith([[A, { reads: [], mined: [edge], asOfMs: BEGAN_MS }]], mined)
    minedOf(mined, tracker)
    const [kept] = tracker.learnedOf(A)?.mined ?? []
    expect(kept?.hits).toBeGreaterThan(600)
    expect(kept?.z).toBeGreaterThan(31)
  })

  test('that were handed on and come back with their leader count once', () => {
    const mined = new MinedEdges({ maxPairs: 1_000, entries: 16_384 })
    const tracker = new Tracker({ maxPairs: 1_000, mined })
    minedOf(mined, tracker)
    const before = tracker.learnedOf(A)
    if (before === undefined) throw new Error('nothing was learned')
    const evidence = () => tracker.learnedOf(A)?.mined.map(({ hits, trials, z }) => [hits, trials, z].map(Math.round))
    const once = evidence()
    for (let rebalance = 0; rebalance < 3; rebalance++) tracker.restore(A, tracker.learnedOf(A) ?? before)
    expect(evidence()).toEqual(once)
    const [edge] = before.mined
    if (edge === undefined) throw new Error('nothing was mined')
    const more = { ...edge, hits: edge.hits + 100, trials: edge.trials + 100 }
    tracker.restore(A, { ...before, mined: [more] })
    expect(tracker.learnedOf(A)?.mined[0]).toMatchObject({ hits: more.hits, trials: more.trials })
  })

  test('that were restored are forgotten with their leader and with their follower', () => {
    const edge = { mark: B * 2, hits: 400, trials: 500, lagMs: 40, lift: 9, z: 30, lastMs: BEGAN_MS }
    const edges = { reads: [], mined: [edge], asOfMs: BEGAN_MS }
    for (const pairId of [A, B]) {
      const { tracker } = trackerWith([[A, edges]], new MinedEdges({ maxPairs: 1_000, entries: 16_384 }))
      expect(known(tracker)).toHaveLength(1)
      tracker.forget(pairId)
      expect(known(tracker)).toEqual([])
    }
  })
})
