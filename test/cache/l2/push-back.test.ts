import { expect, test } from '@jest/globals'
import { NUMBER_COUNT } from '../../../schemas/price-update.ts'
import { L1 } from '../../../src/cache/l1/l1.ts'
import { PushBack } from '../../../src/cache/l2/push-back.ts'
import { Sources } from '../../../src/cache/sources/sources.ts'
import { virtualClock } from '../../../src/clock.ts'
import { ManualTimer } from '../../harness/manual-timer.ts'
import { ControlledL2 } from './controlled-l2.ts'

/** An L1 with a value of version 1 for each pair, and a second level whose answers the test gives. */
function stageOf(pairs: number) {
  const timer = new ManualTimer(virtualClock())
  const l2 = new ControlledL2()
  const l1 = new L1({ slots: 10_000, maxPairs: 10_000 })
  const numbers = new Float64Array(NUMBER_COUNT).fill(1)
  const table = { end: 0 }
  const list = (count: number): void => {
    for (; table.end < count; table.end++) l1.update(table.end, 1, numbers, 0)
  }
  list(pairs)
  const pushed: [pairId: number, version: number][] = []
  const pushBack = new PushBack({ table, l1, l2, timer: timer.start, onPushed: (...each) => pushed.push(each) })
  return { pushed, timer, l2, l1, list, pushBack }
}

test('the push-back writes every value of L1 once, a slice after the other', async () => {
  const { timer, l2, pushBack } = stageOf(600)
  pushBack.start()
  for (const rows of [256, 256, 88]) {
    await timer.advance(10)
    expect(l2.writes.at(-1)?.rows).toHaveLength(rows)
    await timer.advance(60_000)
    await l2.writes.at(-1)?.succeed()
  }
  await timer.advance(60_000)
  expect(l2.writes).toHaveLength(3)
  expect([l2.stored.size, pushBack.pushed, timer.pending]).toEqual([600, 600, 0])
})

test('the push-back tells which version of a pair L2 has, though the pair was updated meanwhile', async () => {
  const { timer, l2, l1, pushBack, pushed } = stageOf(1)
  pushBack.start()
  await timer.advance(10)
  l1.update(0, 2, new Float64Array(NUMBER_COUNT).fill(1), 0)
  await l2.writes[0]?.succeed()
  expect(pushed).toEqual([[0, 1]])
})

test('the push-back passes over pairs that are not in L1', async () => {
  const { timer, l2, l1, pushBack } = stageOf(3)
  l1.remove(1)
  pushBack.start()
  await timer.advance(10)
  expect(l2.writes[0]?.rows).toMatchObject([{ pairId: 0 }, { pairId: 2 }])
})

test('the push-back writes a slice that L2 did not take again, after the others', async () => {
  const { timer, l2, pushBack } = stageOf(300)
  pushBack.start()
  await timer.advance(10)
  await l2.writes[0]?.fail()
  await timer.advance(999)
  expect(l2.writes).toHaveLength(1)
  for (let write = 1; write < 4; write++) {
    await timer.advance(1_000)
    await l2.writes[write]?.succeed()
  }
  expect(l2.writes.map(({ rows }) => rows.length)).toEqual([256, 44, 256, 44])
  await timer.advance(60_000)
  expect([l2.stored.size, timer.pending]).toEqual([300, 0])
})

test('the push-back counts what L2 took of a slice, and goes on when a part of L2 is away', async () => {
  const { timer, l2, pushBack } = stageOf(3)
  pushBack.start()
  await timer.advance(10)
  await l2.writes[0]?.failFor([1])
  expect(pushBack.pushed).toBe(2)
  await timer.advance(1_000)
  await l2.writes[1]?.succeed()
  expect([l2.stored.size, timer.pending]).toEqual([3, 0])
})

test('a push-back that is started again in the middle looks at every pair once more, also at new ones', async () => {
  const { timer, l2, list, pushBack } = stageOf(300)
  pushBack.start()
  await timer.advance(10)
  list(301)
  pushBack.start()
  for (let write = 0; write < 4; write++) {
    await l2.writes[write]?.succeed()
    await timer.advance(10)
  }
  expect(l2.writes.map(({ rows }) => rows.length)).toEqual([256, 256, 45])
  expect([l2.stored.size, timer.pending]).toEqual([301, 0])
})

test('a closed push-back writes nothing more, and one without pairs sets no timer', async () => {
  const { timer, l2, pushBack } = stageOf(300)
  pushBack.start()
  await timer.advance(10)
  pushBack.close()
  pushBack.close()
  await l2.writes[0]?.succeed()
  pushBack.start()
  await timer.advance(60_000)
  expect(l2.writes).toHaveLength(1)
  const empty = stageOf(0)
  empty.pushBack.start()
  expect(empty.timer.pending).toBe(0)
})

test('a round of the push-back ends when L2 has taken all of it', async () => {
  const { timer, l2, pushBack } = stageOf(300)
  const ends: boolean[] = []
  void pushBack.round().then((isWhole) => ends.push(isWhole))
  await timer.advance(10)
  await l2.writes[0]?.succeed()
  await timer.advance(10)
  await l2.writes[1]?.fail()
  expect(ends).toEqual([])
  for (const slice of [2, 3]) {
    await timer.advance(1_000)
    await l2.writes[slice]?.succeed()
  }
  expect(ends).toEqual([true])
})

test('a round of the push-back is no whole one if it is closed before its end, and ends at once without pairs', async () => {
  const { pushBack } = stageOf(300)
  const round = pushBack.round()
  pushBack.close()
  expect(await round).toBe(false)
  expect(await stageOf(0).pushBack.round()).toBe(true)
})

test('the push-back writes the source of what is known to be the newest, and of a topic that is one source', async () => {
  const timer = new ManualTimer(virtualClock())
  const l2 = new ControlledL2()
  const sources = new Sources()
  const [followed, foreign, ofMerged] = [sources.idOf('a', 0), sources.idOf('a', 1), sources.idOf('b', 0)]
  sources.follow(followed)
  sources.merge(ofMerged, ofMerged)
  const l1 = new L1({ slots: 10, maxPairs: 10, sources })
  const numbers = new Float64Array(NUMBER_COUNT).fill(1)
  for (const [pairId, source] of [followed, foreign, sources.wholeOf('b')].entries())
    l1.update(pairId, 1, numbers, 0, source)
  const pushBack = new PushBack({ table: { end: 3 }, l1, l2, sources, timer: timer.start })
  pushBack.start()
  await timer.advance(10)
  const codes = [sources.codeOf(followed), 0, sources.codeOf(sources.wholeOf('b'))]
  expect(l2.writes[0]?.sourceCodes).toEqual(codes)
  await l2.writes[0]?.succeed()
  sources.lose(followed)
  l1.suspendSources(new Set([followed]))
  pushBack.start()
  await timer.advance(10)
  expect(l2.writes[1]?.sourceCodes).toEqual([0, 0, codes[2]])
})
