import { expect, test } from '@jest/globals'
import { L2_TTL_MS, WriteBehindStage } from './write-behind-stage.ts'

/** What a promise came to, or 'open'. */
async function stateOf<T>(promise: Promise<T>): Promise<T | 'open'> {
  return Promise.race([promise, new Promise<'open'>((resolve) => setImmediate(() => resolve('open')))])
}

test('the write-behind is settled at once when nothing waits', async () => {
  const { writeBehind } = new WriteBehindStage()
  expect(await writeBehind.settled()).toBe(true)
})

test('the write-behind is settled when L2 has taken what was there at the call, whatever comes later', async () => {
  const stage = new WriteBehindStage()
  stage.add(0, 1)
  await stage.timer.advance(10)
  stage.add(1, 1)
  const settled = stage.writeBehind.settled()
  await stage.l2.writes[0]?.succeed()
  expect(await stateOf(settled)).toBe('open')
  await stage.timer.advance(10)
  stage.add(2, 1)
  await stage.l2.writes[1]?.succeed()
  expect(await stateOf(settled)).toBe(true)
})

test('the write-behind is not settled by a flush that L2 has not taken, whole or in part', async () => {
  for (const fail of ['fail', 'failFor'] as const) {
    const stage = new WriteBehindStage()
    stage.add(0, 1)
    stage.add(1, 1)
    const settled = stage.writeBehind.settled()
    await stage.timer.advance(10)
    await stage.l2.writes[0]?.[fail]([1])
    expect(await settled).toBe(false)
    const again = stage.writeBehind.settled()
    await stage.timer.advance(1_000)
    await stage.l2.writes[1]?.succeed()
    expect(await again).toBe(true)
  }
})

test('L2 lacks a pair that found no row, until its next value or a push-back', async () => {
  for (const isPushed of [false, true]) {
    const stage = new WriteBehindStage(1)
    const { writeBehind } = stage
    stage.add(0, 1)
    stage.add(1, 1)
    await stage.timer.advance(10)
    await stage.l2.writes[0]?.succeed()
    expect([writeBehind.skipped, writeBehind.lacks(0)]).toEqual([1, true])
    if (isPushed) writeBehind.hasWritten(1, 1)
    else {
      stage.add(1, 2)
      await stage.timer.advance(10)
      await stage.l2.writes[1]?.succeed()
    }
    expect([await writeBehind.settled(), writeBehind.lacks(0)]).toEqual([true, false])
  }
})

test('L2 lacks a newer value that found no row, though a flush or a push-back brings an older one of its pair', async () => {
  const stage = new WriteBehindStage(1)
  const { writeBehind } = stage
  stage.add(0, 1)
  await stage.timer.advance(10)
  stage.add(1, 1)
  stage.add(0, 2)
  await stage.l2.writes[0]?.succeed()
  writeBehind.hasWritten(0, 1)
  expect([writeBehind.skipped, writeBehind.lacks(0)]).toEqual([1, true])
  writeBehind.hasWritten(0, 2)
  expect(writeBehind.lacks(0)).toBe(false)
})

test('a pair that found no row is written from L1 when rows are free again', async () => {
  const stage = new WriteBehindStage(1)
  const { writeBehind } = stage
  stage.add(0, 1)
  await stage.timer.advance(10)
  await stage.l2.writes[0]?.fail()
  for (const pairId of [1, 2, 3]) stage.add(pairId, 5)
  for (const pairId of [1, 2]) stage.held.set(pairId, 5)
  for (const write of [1, 2, 3]) {
    await stage.timer.advance(1_000)
    await stage.l2.writes[write]?.succeed()
  }
  expect([1, 2, 3].flatMap((write) => stage.written(write)).sort()).toEqual([
    [0, 1],
    [1, 5],
    [2, 5],
  ])
  // L1 does not have it any more.
  expect(writeBehind.lacks(0)).toBe(true)
  writeBehind.forget(3)
  expect(writeBehind.lacks(0)).toBe(false)
  expect(stage.timer.pending).toBe(0)
})

test('L2 lacks a value that L1 does not have any more for as long as L2 may have an older one of the pair', async () => {
  const stage = new WriteBehindStage(1)
  const { writeBehind, sources, timer } = stage
  const [first, second] = [sources.idOf('a', 0), sources.idOf('b', 0)]
  stage.add(0, 1, first)
  stage.add(1, 1, first)
  await timer.advance(10)
  await stage.l2.writes[0]?.succeed()
  await timer.advance(L2_TTL_MS)
  stage.add(2, 1, second)
  stage.add(3, 1, second)
  const lacks = () => [writeBehind.lacks(first), writeBehind.lacks(second)]
  expect(lacks()).toEqual([true, true])
  await timer.advance(L2_TTL_MS * 0.1)
  expect(lacks()).toEqual([false, true])
})

test('L2 lacks a value only of the source that it came from, or into which that was merged', async () => {
  const stage = new WriteBehindStage(1)
  const { writeBehind, sources } = stage
  const [first, second, other] = [sources.idOf('a', 0), sources.idOf('a', 1), sources.idOf('b', 0)]
  stage.add(0, 1, first)
  stage.add(1, 1, first)
  expect([first, second, other].map((source) => writeBehind.lacks(source))).toEqual([true, false, false])
  sources.merge(first, second)
  expect([first, second, other].map((source) => writeBehind.lacks(source))).toEqual([true, true, false])
})

test('the write-behind is not settled by its close', async () => {
  const stage = new WriteBehindStage()
  stage.add(0, 1)
  const settled = stage.writeBehind.settled()
  const closed = stage.writeBehind.close()
  await stage.timer.advance(10)
  await stage.l2.writes[0]?.fail()
  await closed
  expect(await settled).toBe(false)
})
