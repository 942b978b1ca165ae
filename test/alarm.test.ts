import { expect, test } from '@jest/globals'
import { Alarm } from '../src/alarm.ts'
import { virtualClock } from '../src/clock.ts'
import { ManualTimer } from './harness/manual-timer.ts'

function stage() {
  const clock = virtualClock()
  const timer = new ManualTimer(clock)
  const rungAtMs: number[] = []
  return { alarm: new Alarm(() => rungAtMs.push(clock.now()), timer.start), timer, rungAtMs }
}

test('an alarm rings once, when its delay is over, and can be set again', async () => {
  const { alarm, timer, rungAtMs } = stage()
  alarm.set(10)
  expect(alarm.isSet).toBe(true)
  await timer.advance(100)
  expect([alarm.isSet, ...rungAtMs]).toEqual([false, 10])
  alarm.set(5)
  await timer.advance(100)
  expect(rungAtMs).toEqual([10, 105])
})

test('an alarm that is set again before it rings keeps the new delay alone', async () => {
  const { alarm, timer, rungAtMs } = stage()
  alarm.set(10)
  await timer.advance(5)
  alarm.set(20)
  await timer.advance(100)
  expect(rungAtMs).toEqual([25])
})

test('an alarm that was cleared does not ring, and can be set again', async () => {
  const { alarm, timer, rungAtMs } = stage()
  alarm.set(10)
  alarm.clear()
  expect([alarm.isSet, timer.pending]).toEqual([false, 0])
  alarm.set(30)
  await timer.advance(100)
  expect(rungAtMs).toEqual([30])
})

test('an alarm that was closed does not ring, and cannot be set any more', async () => {
  const { alarm, timer, rungAtMs } = stage()
  alarm.set(10)
  alarm.close()
  alarm.close()
  alarm.set(10)
  expect([alarm.isSet, timer.pending]).toEqual([false, 0])
  await timer.advance(100)
  expect(rungAtMs).toEqual([])
})
