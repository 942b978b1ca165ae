import { expect, test } from '@jest/globals'
import { emptyRow, type MinedEdge } from '../../../src/correlation/mined/edge-rows.ts'
import { type KeptEdge, RestoredEdges } from '../../../src/correlation/mined/restored-edges.ts'

const HOUR_MS = 3_600_000
const LEADER = 1
const OTHER = 5

function edgeTo(pairId: number, rest: Partial<KeptEdge> = {}): KeptEdge {
  return { mark: pairId * 2, hits: 80, trials: 98, lagMs: 40, lift: 8, z: 16, lastMs: 0, ...rest }
}

const at = (newestMs: number) => ({ newestMs, sliceOf: (timeMs: number) => timeMs / 5 })

/** The leader's edges at the event time, after the mined ones. */
function edgesAt(restored: RestoredEdges, newestMs: number, mined: readonly Partial<MinedEdge>[] = []): MinedEdge[] {
  const row = emptyRow()
  for (const [e, edge] of mined.entries()) Object.assign(row[e] as MinedEdge, edge)
  return row.slice(0, restored.addTo(LEADER, row, mined.length, at(newestMs)))
}

test('restored edges are predicted with the evidence that they had', () => {
  const restored = new RestoredEdges()
  expect(restored.set(LEADER, [edgeTo(2, { lastMs: 50 }), edgeTo(3)], 0)).toBe(2)
  expect(edgesAt(restored, Number.NEGATIVE_INFINITY)).toMatchObject([
    { mark: 4, hits: 80, trials: 98, lagMs: 40, lift: 8, z: 16, lastSlice: 10 },
    { mark: 6 },
  ])
})

test('what is mined of the same follower adds up with what was restored', () => {
  const restored = new RestoredEdges()
  restored.set(LEADER, [edgeTo(2)], 0)
  const [edge] = edgesAt(restored, 0, [{ mark: 4, hits: 20, trials: 100, lagMs: 90, lift: 2, z: 12 }])
  expect(edge).toMatchObject({ hits: 100, trials: 198, lagMs: 50, z: 20 })
  expect(edge?.lift).toBeCloseTo(100 / (20 / 2 + 80 / 8))
})

test('a follower that is not seen any more loses its score with each trial without it', () => {
  const restored = new RestoredEdges()
  restored.set(LEADER, [edgeTo(2)], 0)
  const edges = edgesAt(restored, 0, [{ mark: 6, hits: 10, trials: 702, lagMs: 1, lift: 2, z: 5 }])
  expect(edges).toMatchObject([
    { mark: 6, trials: 702 },
    { mark: 4, hits: 80, trials: 800 },
  ])
})

test('restored evidence loses half its weight in an hour, and is gone once it is no longer sure', () => {
  const restored = new RestoredEdges()
  restored.set(LEADER, [edgeTo(2)], 0)
  expect(edgesAt(restored, HOUR_MS)).toMatchObject([{ hits: 40, trials: 49, z: expect.closeTo(16 / Math.SQRT2) }])
  expect(edgesAt(restored, 4.1 * HOUR_MS)).toEqual([])
  expect(restored.size).toBe(0)
})

test('no edge leads from or to a pair whose id may go to another name', () => {
  const restored = new RestoredEdges()
  restored.set(LEADER, [edgeTo(2), edgeTo(3)], 0)
  restored.set(OTHER, [edgeTo(2)], 0)
  edgesAt(restored, 0)
  restored.forget(2)
  expect(edgesAt(restored, 0).map(({ mark }) => mark)).toEqual([6])
  expect(restored.addTo(OTHER, emptyRow(), 0, at(0))).toBe(0)
  expect(restored.size).toBe(1)
  restored.forget(LEADER)
  expect(restored.size).toBe(0)
})

test('a pair that was forgotten is a follower again of the leaders that are restored since', () => {
  const restored = new RestoredEdges()
  restored.set(LEADER, [edgeTo(2)], 0)
  restored.set(OTHER, [edgeTo(2)], 0)
  restored.forget(2)
  restored.set(LEADER, [edgeTo(2)], 0)
  expect(edgesAt(restored, 0).map(({ mark }) => mark)).toEqual([4])
  expect(restored.addTo(OTHER, emptyRow(), 0, at(0))).toBe(0)
})

test('to forget a follower reads no row, however many there are', () => {
  const restored = new RestoredEdges()
  let reads = 0
  const edge = Object.defineProperty(edgeTo(2), 'mark', { get: () => reads++ * 0 + 4 })
  for (let leader = 10; leader < 20; leader++) restored.set(leader, [edge], 0)
  reads = 0
  restored.forget(2)
  expect(reads).toBe(0)
})

test('a row has room for eight edges, the mined ones first', () => {
  const restored = new RestoredEdges()
  restored.set(
    LEADER,
    Array.from({ length: 12 }, (_, n) => edgeTo(10 + n)),
    0,
  )
  const edges = edgesAt(restored, 0, [{ mark: 4, hits: 1, trials: 1, z: 5, lift: 1, lagMs: 1 }])
  expect(edges.map(({ mark }) => mark >> 1)).toEqual([2, 10, 11, 12, 13, 14, 15, 16])
})
