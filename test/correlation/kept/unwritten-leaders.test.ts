import { expect, test } from '@jest/globals'
import { parseLeader } from '../../../schemas/correlations/leader-record.ts'
import { type KeptRecord, UnwrittenLeaders } from '../../../src/correlation/kept/unwritten-leaders.ts'
import { Tracker } from '../../../src/correlation/tracker.ts'
import { Names } from './stage.ts'

const SOME = { records: 10, places: 100, difference: 'clear' } as const
const ALL = { records: 100, places: Number.POSITIVE_INFINITY, difference: 'any' } as const

function unwrittenWith() {
  const names = new Names()
  const tracker = new Tracker({ maxPairs: 1_000 })
  const unwritten = new UnwrittenLeaders({ tracker, names, service: 's', by: 'me' })
  const idOf = (pair: string) => names.idOf('c', pair)
  /** An update of the leader in whose handler the others are read. */
  const update = (leader: string, reads: readonly string[]): void => {
    tracker.observe(idOf(leader))
    const edges = reads.map((pair) => tracker.read(idOf(leader), idOf(pair), 1))
    tracker.settle(
      idOf(leader),
      edges.reduce((bits, edge) => bits | (1 << edge), 0),
    )
  }
  const taken = (limits: typeof SOME | typeof ALL = SOME) => unwritten.take(limits).map(pairOf)
  return { tracker, unwritten, update, taken, idOf }
}

const pairOf = ({ key }: KeptRecord) => key.split('\0')[2]

test('a leader is written when it has learned something, and again only when that has changed clearly', () => {
  const { update, taken } = unwrittenWith()
  update('A', ['B'])
  expect(taken()).toEqual(['A'])
  expect(taken()).toEqual([])
  for (let round = 0; round < 30; round++) update('A', ['B'])
  expect(taken()).toEqual(['A'])
  update('A', ['B'])
  expect(taken()).toEqual([])
  update('A', ['B', 'C'])
  expect(taken()).toEqual(['A'])
})

test('a leader whose partition may be lost is written with any change, and not again before its next update', () => {
  const { update, taken, tracker, idOf } = unwrittenWith()
  for (let round = 0; round < 30; round++) update('A', ['B'])
  expect(taken()).toEqual(['A'])
  update('A', ['B'])
  expect(taken()).toEqual([])
  expect(taken(ALL)).toEqual(['A'])
  // A handler that was still running: the leader is another node's by now.
  tracker.read(idOf('A'), idOf('C'), 1)
  expect([taken(ALL), taken()]).toEqual([[], []])
  update('A', ['B', 'C'])
  expect(taken(ALL)).toEqual(['A'])
})

test('at a commit no more is written, or looked at, than the limits say: the rest comes at the next ones', () => {
  const { update, unwritten } = unwrittenWith()
  const leaders = Array.from({ length: 25 }, (_, n) => `L${n}`)
  for (const leader of leaders) update(leader, ['F'])
  const limits = { records: 10, places: 12, difference: 'clear' } as const
  const commits = [1, 2, 3, 4].map(() => unwritten.take(limits).map(pairOf))
  for (const commit of commits) expect(commit.length).toBeLessThanOrEqual(10)
  expect(commits.flat().toSorted()).toEqual(leaders.toSorted())
})

test('what could not be written is written later', () => {
  const { update, unwritten, taken, idOf } = unwrittenWith()
  update('A', ['B'])
  unwritten.delete(idOf('gone'), true)
  const records = unwritten.take(SOME)
  expect(records.map(pairOf)).toEqual(['gone', 'A'])
  unwritten.putBack(records)
  expect(taken()).toEqual(['gone', 'A'])
  unwritten.forget(idOf('A'))
  expect(taken()).toEqual(['A'])
})

test('a leader that has lost its last edge is deleted, and one that was never known is not', () => {
  const { update, unwritten } = unwrittenWith()
  update('A', ['B'])
  update('silent', [])
  expect(unwritten.take(SOME).map(({ value }) => value === null)).toEqual([false])
  for (let round = 0; round < 40; round++) update('A', [])
  expect(unwritten.take(SOME)).toMatchObject([{ value: null, chain: 'c' }])
  expect(unwritten.take(ALL)).toEqual([])
})

test('a delisted pair is deleted if anything may be written of it, and written anew when it is listed and read again', () => {
  const { update, unwritten, tracker, idOf, taken } = unwrittenWith()
  update('A', ['B'])
  expect(taken()).toEqual(['A'])
  const delist = (pair: string): void => {
    unwritten.delete(idOf(pair), false)
    tracker.forget(idOf(pair))
  }
  delist('A')
  delist('never known')
  expect(unwritten.take(SOME)).toMatchObject([{ value: null }])
  update('A', ['B'])
  expect(taken()).toEqual(['A'])
})

test('deletions have a bound, and those beyond it are counted', () => {
  const names = { namesOf: (pairId: number) => ({ chain: 'c', pair: `P${pairId}` }), idOf: () => -1 }
  const tracker = new Tracker({ maxPairs: 10 })
  const unwritten = new UnwrittenLeaders({ tracker, names, service: 's', by: 'me' })
  for (let n = 0; n < 10_005; n++) unwritten.delete(n, true)
  expect(unwritten.refusedDeletions).toBe(5)
})

test('what nobody has looked at since its last update is what is left', () => {
  const { update, unwritten } = unwrittenWith()
  for (const leader of ['A', 'B', 'C']) update(leader, ['F'])
  unwritten.take({ ...ALL, records: 1 })
  expect(unwritten.leave()).toBe(2)
  expect(unwritten.leave()).toBe(0)
  expect(unwritten.take(ALL)).toEqual([])
  update('B', ['F'])
  expect(unwritten.take(ALL).map(pairOf)).toEqual(['B'])
  expect(unwritten.leave()).toBe(0)
})

test('a leader whose partition stays is neither written nor lost when others are given up, and is written later', () => {
  const { update, unwritten, taken, idOf } = unwrittenWith()
  for (const leader of ['A', 'B', 'C']) update(leader, ['F'])
  const isLeaving = (leader: number) => leader === idOf('A') || leader === idOf('C')
  expect(unwritten.take({ ...ALL, isLeaving }).map(pairOf)).toEqual(['A', 'C'])
  update('B', ['F'])
  update('C', ['F'])
  expect(unwritten.leave(isLeaving)).toBe(1)
  expect([taken(), taken(ALL)]).toEqual([['B'], []])
})

test('what could not be written of a leader until its partition was given up is not written over what its next owner writes', () => {
  const { update, unwritten, taken } = unwrittenWith()
  for (const leader of ['A', 'B', 'C']) update(leader, ['F'])
  const [early, ...late] = unwritten.take(ALL)
  unwritten.putBack(early === undefined ? [] : [early])
  expect(unwritten.leave()).toBe(1)
  expect(unwritten.putBack(late)).toBe(2)
  expect([taken(), taken(ALL)]).toEqual([[], []])
  update('B', ['F'])
  expect(taken()).toEqual(['B'])
})

test('a leader whose partition was given up is not written, or deleted, because its evidence has aged', () => {
  const { update, unwritten, taken, tracker, idOf } = unwrittenWith()
  for (let round = 0; round < 80; round++) update('A', ['B'])
  expect(taken()).toEqual(['A'])
  update('A', ['B'])
  expect(taken(ALL)).toEqual([])
  unwritten.leave()
  // Without an update of its own here: the edges of the leader, which is another node's by now, are gone.
  for (let round = 0; round < 40; round++) tracker.settle(idOf('A'), 0)
  expect([taken(), taken(ALL)]).toEqual([[], []])
})

test('a deletion of a leader without edges that could not be written is left to the next owner of its partition', () => {
  const { update, unwritten } = unwrittenWith()
  update('A', ['B'])
  unwritten.take(SOME)
  for (let round = 0; round < 40; round++) update('A', [])
  const records = unwritten.take(SOME)
  expect(records).toMatchObject([{ value: null }])
  unwritten.putBack(records)
  expect(unwritten.leave()).toBe(1)
  unwritten.putBack(records)
  expect(unwritten.take(SOME)).toEqual([])
})

test('a record says what the tracker knows', () => {
  const { update, unwritten } = unwrittenWith()
  for (let round = 0; round < 30; round++) update('A', ['B', 'C'])
  const [record] = unwritten.take(SOME)
  const parsed = parseLeader(record?.value ?? Buffer.alloc(0))
  expect(parsed).toMatchObject({ ok: true, value: { by: 'me', pairs: ['B', 'C'], lagsMs: [1, 1], hits: [] } })
})
