import { expect, test } from '@jest/globals'
import { WriteBehindStage } from './write-behind-stage.ts'

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

test('the write-behind is not settled while L2 lacks a pair that found no row, until its next value or a push-back', async () => {
  for (const isPushed of [false, true]) {
    const stage = new WriteBehindStage(1)
    stage.add(0, 1)
    stage.add(1, 1)
    await stage.timer.advance(10)
    await stage.l2.writes[0]?.succeed()
    expect([stage.writeBehind.skipped, await stage.writeBehind.settled()]).toEqual([1, false])
    if (isPushed) stage.writeBehind.hasWritten(1)
    else {
      stage.add(1, 2)
      await stage.timer.advance(10)
      await stage.l2.writes[1]?.succeed()
    }
    expect(await stage.writeBehind.settled()).toBe(true)
  }
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
