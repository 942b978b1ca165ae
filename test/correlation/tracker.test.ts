import { beforeEach, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { KnownReads, READS_PER_PAIR } from '../../src/correlation/known-reads.ts'
import { Tracker } from '../../src/correlation/tracker.ts'
import { mulberry32 } from '../harness/mulberry32.ts'

const MAX_PAIRS = 5000

let tracker: Tracker

beforeEach(() => {
  tracker = new Tracker({ maxPairs: MAX_PAIRS })
})

interface Read {
  readonly pairId: number
  readonly rate: number
  readonly lagMs: number
}

function readsAfter(trigger: number, of = tracker): Read[] {
  const known = new KnownReads()
  expect(of.readsAfter(trigger, known)).toBe(known.count)
  return Array.from({ length: known.count }, (_, i) => ({
    pairId: known.pairIds[i] as number,
    rate: known.rates[i] as number,
    lagMs: known.lagsMs[i] as number,
  }))
}

/** An update of `trigger` whose handler reads the pairs `lagMs` later. */
function update(trigger: number, pairIds: readonly number[], lagMs = 0): void {
  tracker.observe(trigger)
  let edges = 0
  for (const pairId of pairIds) {
    const edge = tracker.read(trigger, pairId, lagMs)
    if (edge >= 0) edges |= 1 << edge
  }
  tracker.settle(trigger, edges)
}

describe('a read in the handler of an update', () => {
  test('is known after one occurrence', () => {
    update(1, [2, 3])
    expect(readsAfter(1).map(({ pairId }) => pairId)).toEqual([2, 3])
  })

  test('is expected after every update while it repeats, and after none when it has stopped', () => {
    for (let i = 0; i < 100; i++) update(1, [2])
    expect(readsAfter(1)[0]?.rate).toBeGreaterThan(0.99)
    let updates = 0
    while (readsAfter(1).length > 0) {
      update(1, [])
      updates++
    }
    expect(updates).toBeGreaterThan(10)
    expect(updates).toBeLessThan(40)
  })

  test('that comes after every second update is expected after about half of them', () => {
    for (let i = 0; i < 200; i++) update(1, i % 2 === 0 ? [2] : [])
    expect(readsAfter(1)[0]?.rate).toBeCloseTo(0.5, 1)
  })

  test('is expected with its lag of late, not with its first one', () => {
    update(1, [2], 100)
    expect(readsAfter(1)[0]?.lagMs).toBe(100)
    for (let i = 0; i < 100; i++) update(1, [2], 40)
    expect(readsAfter(1)[0]?.lagMs).toBeCloseTo(40, 2)
    for (let i = 0; i < 400; i++) update(1, [2], 60)
    expect(readsAfter(1)[0]?.lagMs).toBeCloseTo(60, 2)
  })

  test('is expected earlier than on average if its lag varies', () => {
    const random = mulberry32(7)
    for (let i = 0; i < 1_000; i++) update(1, [2], 35 + random() * 10)
    const { lagMs = 0 } = readsAfter(1)[0] ?? {}
    expect(lagMs).toBeGreaterThan(35)
    expect(lagMs).toBeLessThan(38.5)
  })

  test('of the updated pair itself makes no edge', () => {
    expect(tracker.read(1, 1, 0)).toBe(-1)
    expect(tracker.hasEdges).toBe(false)
  })

  test('is kept for sixteen pairs; others are refused, and counted, until an edge is dropped', () => {
    const pairs = Array.from({ length: READS_PER_PAIR }, (_, i) => 100 + i)
    update(1, pairs)
    expect([tracker.read(1, 99, 0), tracker.refusedEdges]).toEqual([-1, 1])
    for (let i = 0; i < 40; i++) update(1, pairs.slice(1))
    update(1, [99])
    expect(readsAfter(1).map(({ pairId }) => pairId)).toEqual([99, ...pairs.slice(1)])
  })
})

test('a tracker with a limit of two edges a pair keeps the first two', () => {
  tracker = new Tracker({ maxPairs: MAX_PAIRS, top: 2 })
  update(1, [2, 3, 4])
  expect(readsAfter(1).map(({ pairId }) => pairId)).toEqual([2, 3])
})

describe('a pair that was never handled', () => {
  test('borrows the pairs that read it: siblings read each other', () => {
    update(1, [3])
    update(2, [3])
    expect(readsAfter(3)).toEqual([
      { pairId: 1, rate: 0.5, lagMs: 0 },
      { pairId: 2, rate: 0.5, lagMs: 0 },
    ])
  })

  test('borrows the lags of these reads, too', () => {
    update(1, [3], 70)
    expect(readsAfter(3)).toEqual([{ pairId: 1, rate: 0.5, lagMs: 70 }])
  })

  test('borrows the other pairs that its readers read, each once, and not itself', () => {
    update(1, [3, 4, 5], 20)
    update(2, [3, 1, 5], 30)
    expect(readsAfter(3)).toEqual([
      { pairId: 1, rate: 0.5, lagMs: 20 },
      { pairId: 4, rate: 0.5, lagMs: 20 },
      { pairId: 5, rate: 0.5, lagMs: 20 },
      { pairId: 2, rate: 0.5, lagMs: 30 },
    ])
  })

  test('borrows nothing after more than eight updates without a read', () => {
    update(1, [3])
    for (let i = 0; i < 8; i++) update(3, [])
    expect(readsAfter(3).map(({ pairId }) => pairId)).toEqual([1])
    update(3, [])
    expect(readsAfter(3)).toEqual([])
  })

  test('borrows no longer once it has reads of its own', () => {
    update(1, [3])
    update(3, [4])
    expect(readsAfter(3).map(({ pairId }) => pairId)).toEqual([4])
  })

  test('borrows from its last eight readers', () => {
    for (let reader = 10; reader < 22; reader++) update(reader, [3])
    expect(
      readsAfter(3)
        .map(({ pairId }) => pairId)
        .sort((a, b) => a - b),
    ).toEqual([14, 15, 16, 17, 18, 19, 20, 21])
  })

  test('borrows nothing from pairs that no longer read it', () => {
    update(1, [3])
    for (let i = 0; i < 40; i++) update(1, [])
    expect(readsAfter(3)).toEqual([])
  })

  test('borrows from each reader once, however often its edge was dropped and found again', () => {
    update(2, [3])
    for (let round = 0; round < 3; round++) {
      update(1, [3])
      for (let i = 0; i < 40; i++) update(1, [])
    }
    update(1, [3])
    expect(readsAfter(3).map(({ pairId }) => pairId)).toEqual([2, 1])
  })
})

describe('a delisted pair', () => {
  test('has no edges, and is not counted', () => {
    update(1, [2, 3])
    update(4, [1])
    tracker.forget(1)
    expect(readsAfter(1)).toEqual([])
    expect(tracker.totalPairs).toBe(1)
  })

  test('that was never seen is ignored', () => {
    tracker.forget(4000)
    tracker.settle(4000, 1)
    expect([tracker.totalPairs, readsAfter(4000)]).toEqual([0, []])
  })

  test('starts anew when it is listed again', () => {
    update(1, [2])
    tracker.forget(1)
    update(1, [5])
    expect(readsAfter(1).map(({ pairId }) => pairId)).toEqual([5])
    expect(tracker.totalPairs).toBe(1)
  })
})

describe('a tracker', () => {
  test('counts updates and reads of a pair without room, and learns nothing from them', () => {
    tracker = new Tracker({ maxPairs: 2 })
    update(1, [2])
    tracker.observe(3)
    expect(tracker.read(3, 1, 0)).toBe(-1)
    expect(tracker.read(1, 3, 0)).toBe(-1)
    tracker.settle(3, 1)
    tracker.forget(3)
    expect([tracker.totalUpdates, tracker.totalPairs, tracker.refusedCalls, tracker.recycled]).toEqual([2, 1, 3, 0])
    expect(readsAfter(3)).toEqual([])
    expect(readsAfter(1).map(({ pairId }) => pairId)).toEqual([2])
  })

  test('gives the room of a pair that was not seen for long to a new one, without its edges', () => {
    tracker = new Tracker({ maxPairs: 4 })
    update(1, [2])
    for (let i = 0; i < 16; i++) for (const pairId of [3, 4]) update(pairId, [])
    // Pair 2 goes first: it was only read, before pair 1's handlers ended.
    tracker.observe(6)
    expect([tracker.recycled, tracker.totalPairs]).toEqual([1, 4])
    expect([readsAfter(6), readsAfter(1).map(({ pairId }) => pairId)]).toEqual([[], [2]])
    tracker.observe(5)
    expect([tracker.recycled, tracker.totalPairs]).toEqual([2, 4])
    expect([readsAfter(5), readsAfter(1)]).toEqual([[], []])
  })

  test('keeps an edge to a pair that lost its room as an edge to that pair', () => {
    tracker = new Tracker({ maxPairs: 3 })
    update(1, [2])
    update(3, [])
    for (let i = 0; i < 12; i++) {
      tracker.observe(1)
      tracker.observe(3)
    }
    tracker.observe(4)
    expect(tracker.recycled).toBe(1)
    expect(readsAfter(1).map(({ pairId }) => pairId)).toEqual([2])
  })

  test('keeps its edges when its tables grow', () => {
    update(1, [2], 30)
    update(4999, [1])
    expect(readsAfter(1)).toEqual([{ pairId: 2, rate: expect.closeTo(0.5625), lagMs: 30 }])
    expect(readsAfter(4999).map(({ pairId }) => pairId)).toEqual([1])
  })

  test('has no edges without reads', () => {
    for (let pairId = 0; pairId < 10; pairId++) tracker.observe(pairId)
    expect([tracker.hasEdges, readsAfter(1)]).toEqual([false, []])
    expect([tracker.totalUpdates, tracker.totalPairs]).toEqual([10, 10])
  })
})

test('rates stay probabilities and reads distinct, whatever is read in any order', () => {
  const pair = fc.nat(30)
  fc.assert(
    fc.property(
      fc.array(fc.tuple(pair, fc.array(pair, { maxLength: 6 }), fc.nat(1000)), { maxLength: 200, size: 'max' }),
      (updates) => {
        tracker = new Tracker({ maxPairs: 31 })
        for (const [trigger, reads, lagMs] of updates) {
          update(trigger, reads, lagMs)
          const known = readsAfter(trigger)
          if (new Set(known.map(({ pairId }) => pairId)).size !== known.length) throw new Error('a pair is there twice')
          for (const { pairId, rate, lagMs: lag } of known)
            if (!(rate > 0 && rate <= 1 && lag >= 0 && lag <= 1000 && pairId !== trigger))
              throw new Error(`${trigger} → ${pairId}: rate ${rate}, lag ${lag}`)
        }
      },
    ),
    { numRuns: 100 },
  )
})
