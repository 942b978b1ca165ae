import { expect, test } from '@jest/globals'
import { stage } from './foreign-stage.ts'

test('foreign pairs are polled for five seconds after they are read, however long the answers take', async () => {
  const { foreign, tracking, tripsOf, timer } = stage({ polls: true })
  foreign.read(7, false)
  tracking.told?.armed('poll')
  await tripsOf(60)
  const read = tracking.read.bind(tracking)
  tracking.read = async (pairIds) => {
    await new Promise<void>((resolve) => void timer.start(150, resolve))
    return read(pairIds)
  }
  foreign.read(8, false)
  await tripsOf(1_000)
  expect(new Set(await tripsOf(3_500))).toEqual(new Set([2]))
  await tripsOf(1_000)
  expect([await tripsOf(1_000), timer.pending]).toEqual([[], 0])
})
