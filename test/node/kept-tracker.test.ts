import { expect, test } from '@jest/globals'
import { createTracker } from '../../node/kept/kept-tracker.ts'
import { encodeLeader, leaderKey } from '../../schemas/correlations/leader-record.ts'
import { PairTable } from '../../src/cache/names/pair-table.ts'
import { loadConfig } from '../../src/config/load.ts'
import { KnownReads } from '../../src/correlation/known-reads.ts'

const KEY = leaderKey('default', { chain: 'c', pair: 'A' })
const RECORD = encodeLeader({
  ...{ v: 1, by: 'other', asOfMs: 0, pairs: ['old'], lagsMs: [5], rates: [0.9] },
  ...{ follow: [], hits: [], trials: [], lifts: [], zs: [], agoSeconds: [] },
})
/** Leaders that may wait. */
const ROOM = 10
const SOME = { records: 10, places: 100, difference: 'clear' } as const

/** A tracker for whose pair A a record of another node waits. */
function waitingForA() {
  const loaded = loadConfig({ env: { MAX_TRACKED_PAIRS: String(ROOM) }, file: undefined })
  if (loaded.status !== 'loaded') throw new Error('the defaults are not allowed')
  const table = new PairTable({ maxPairs: 100 })
  const { tracker, kept, forget } = createTracker({ config: loaded.config, keepsAs: 'me' }, table, undefined)
  if (kept === undefined) throw new Error('nothing is kept')
  kept.waiting.put(Buffer.from(KEY), RECORD)
  return { table, tracker, kept, forget, leader: table.register('c', 'A') }
}

test('a delisted pair whose edges wait does not get them back before its deletion is read', () => {
  const { tracker, kept, forget, leader } = waitingForA()
  forget(leader)
  expect(kept.waiting.size).toBe(0)
  expect(tracker.readsAfter(leader, new KnownReads())).toBe(0)
  expect(kept.unwritten.take(SOME)).toMatchObject([{ key: KEY, value: null }])
})

test('a leader that was restored is deleted from the topic when it loses its last edge, or is delisted, before it was written', () => {
  const faded = waitingForA()
  for (let update = 0; update < 40; update++) {
    faded.tracker.observe(faded.leader)
    faded.tracker.settle(faded.leader, 0)
  }
  expect(faded.kept.unwritten.take(SOME)).toMatchObject([{ key: KEY, value: null }])
  const delisted = waitingForA()
  delisted.tracker.observe(delisted.leader)
  for (let update = 0; update < 40; update++) delisted.tracker.settle(delisted.leader, 0)
  delisted.forget(delisted.leader)
  expect(delisted.kept.unwritten.take(SOME)).toMatchObject([{ key: KEY, value: null }])
})

test('an unknown pair that is delisted is deleted from the topic unless all of that was read and had room', () => {
  const { kept, forget, table } = waitingForA()
  const isDeleted = (pair: string): boolean => {
    forget(table.register('c', pair))
    return kept.unwritten.take(SOME).length > 0
  }
  expect(isDeleted('X')).toBe(true)
  kept.waiting.isRead = true
  expect(isDeleted('X')).toBe(false)
  for (let n = 0; n < ROOM; n++) kept.waiting.put(Buffer.from(`default\0c\0P${n}`), RECORD)
  expect(isDeleted('X')).toBe(true)
})
