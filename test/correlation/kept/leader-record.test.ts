import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import {
  encodeLeader,
  leaderKey,
  leaderOfKey,
  MAX_MINED,
  MAX_READS,
  parseLeader,
} from '../../../schemas/correlations/leader-record.ts'
import { edgesOf, recordOf } from '../../../src/correlation/kept/leader-record.ts'
import type { LeaderEdges } from '../../../src/correlation/leader-edges.ts'
import { Names } from './stage.ts'

const name = fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' }).filter((text) => !text.includes('\0'))
const followers = fc.uniqueArray(fc.tuple(fc.constantFrom('c', 'd'), name), {
  maxLength: MAX_READS + MAX_MINED,
  minLength: 1,
  selector: (pair) => pair.join('\0'),
})
const number = (max: number) => fc.double({ min: 0, max, noNaN: true })
const LEADER = { chain: 'c', pair: 'leader' }
const AS_OF_MS = 1_767_225_600_000

const edges = fc.tuple(followers, fc.nat(), fc.infiniteStream(number(1))).map(([pairs, split, stream]) => {
  const names = new Names()
  names.idOf(LEADER.chain, LEADER.pair)
  const ids = pairs.map(([chain, pair]) => names.idOf(chain, pair))
  const reads = Math.max(Math.min(split % (ids.length + 1), MAX_READS), ids.length - MAX_MINED)
  const next = (max: number) => (stream.next().value ?? 0) * max
  const learned: LeaderEdges = {
    reads: ids.slice(0, reads).map((pairId) => ({ pairId, rate: next(1), lagMs: next(10_000) })),
    mined: ids.slice(reads).map((pairId) => ({
      ...{ mark: pairId * 2 + Math.round(next(1)), hits: next(1_000), trials: next(10_000) },
      ...{ lagMs: next(10_000), lift: next(100), z: next(50), lastMs: AS_OF_MS - Math.round(next(1e7)) },
    })),
    asOfMs: AS_OF_MS,
  }
  return { names, learned }
})

describe('the record of a leader', () => {
  test('tells the same edges to a node that has other ids, closely enough to predict the same', () => {
    fc.assert(
      fc.property(edges, ({ names, learned }) => {
        const parsed = parseLeader(encodeLeader(recordOf(0, learned, 'me', names)))
        if (!parsed.ok) throw new Error(parsed.detail)
        const others = new Names()
        others.idOf('z', 'the ids are others')
        const read = edgesOf(LEADER, parsed.value, others)
        expect(read.reads.map(({ pairId }) => others.namesOf(pairId))).toEqual(
          learned.reads.map(({ pairId }) => names.namesOf(pairId)),
        )
        expect(read.mined.map(({ mark }) => [others.namesOf(mark >> 1), mark & 1])).toEqual(
          learned.mined.map(({ mark }) => [names.namesOf(mark >> 1), mark & 1]),
        )
        for (const [at, { rate, lagMs }] of learned.reads.entries()) {
          expect(Math.abs((read.reads[at]?.rate ?? 0) - rate)).toBeLessThanOrEqual(0.001)
          expect(Math.abs((read.reads[at]?.lagMs ?? 0) - lagMs)).toBeLessThanOrEqual(0.1)
        }
        for (const [at, { hits, trials, z, lastMs }] of learned.mined.entries()) {
          expect(Math.abs((read.mined[at]?.hits ?? 0) - hits)).toBeLessThanOrEqual(0.1)
          expect(Math.abs((read.mined[at]?.trials ?? 0) - trials)).toBeLessThanOrEqual(0.1)
          expect(Math.abs((read.mined[at]?.z ?? 0) - z)).toBeLessThanOrEqual(0.01)
          expect(Math.abs((read.mined[at]?.lastMs ?? 0) - lastMs)).toBeLessThanOrEqual(500)
        }
      }),
    )
  })

  test('is refused by a reason, and never throws, whatever its bytes are', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array)),
      fc.jsonValue().map((value) => Buffer.from(JSON.stringify(value))),
      edges.chain(({ names, learned }) => {
        const whole = encodeLeader(recordOf(0, learned, 'me', names))
        return fc.nat(whole.length - 1).map((end) => whole.subarray(0, end))
      }),
    )
    fc.assert(fc.property(bytes, (value) => parseLeader(value).ok === false))
  })

  test.each([
    ['of a newer version', { v: 2 }, 'unknown-version'],
    ['with a list that is too short', { lagsMs: [1] }, 'bad-value'],
    ['with a rate above 1', { rates: [1.5, 0.5] }, 'bad-value'],
    ['with more reads than pairs', { rates: [1, 1, 1] }, 'bad-value'],
    ['without pairs', { pairs: [] }, 'bad-value'],
    ['with a pair that holds NUL', { pairs: ['a\0b', 'c'] }, 'bad-value'],
    [
      'with more pairs than a record may have',
      { pairs: Array.from({ length: 25 }, (_, n) => `P${n}`) },
      'too-many-pairs',
    ],
  ])('%s is refused', (_, wrong, reason) => {
    const right = {
      ...{ v: 1, by: 'me', asOfMs: 1, pairs: ['a', 'b'], lagsMs: [1, 2], rates: [0.5, 1] },
      ...{ follow: [], hits: [], trials: [], lifts: [], zs: [], agoSeconds: [] },
    }
    expect(parseLeader(Buffer.from(JSON.stringify(right))).ok).toBe(true)
    expect(parseLeader(Buffer.from(JSON.stringify({ ...right, ...wrong })))).toMatchObject({ ok: false, reason })
  })

  test('leaves out the pairs that there is no room for', () => {
    const names = new Names()
    const reads = [LEADER.pair, 'a', 'b']
      .map((pair) => ({ pairId: names.idOf('c', pair), rate: 0.5, lagMs: 1 }))
      .slice(1)
    const record = recordOf(0, { reads, mined: [], asOfMs: 0 }, 'me', names)
    expect(edgesOf(LEADER, record, new Names(1)).reads).toEqual([{ pairId: 0, rate: 0.5, lagMs: 1 }])
  })
})

test('the key of a leader names it to its own service alone', () => {
  const key = Buffer.from(leaderKey('mine', LEADER))
  expect(leaderOfKey(key, 'mine')).toEqual(LEADER)
  expect(leaderOfKey(key, 'other')).toMatchObject({ ok: false, reason: 'other-service' })
  for (const wrong of [undefined, '', 'mine', 'mine\0c', 'mine\0c\0', '\0c\0p', 'mine\0c\0p\0q'])
    expect(leaderOfKey(wrong === undefined ? undefined : Buffer.from(wrong), 'mine')).toMatchObject({
      reason: 'bad-key',
    })
})
