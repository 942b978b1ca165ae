import { expect, test } from '@jest/globals'
import { virtualClock } from '../../src/clock.ts'
import { clockTimer } from '../../standalone/clock-timer.ts'

/** A clock that tells how many listen to it. */
function watched() {
  const clock = virtualClock(0)
  const listening = { count: 0 }
  const onMove = (listener: () => void) => {
    listening.count++
    const stop = clock.onMove(listener)
    return () => {
      listening.count--
      stop()
    }
  }
  return { clock: { ...clock, onMove }, listening }
}

test('runs what is due in the order of its time, and listens to the clock only while something waits', () => {
  const { clock, listening } = watched()
  const timer = clockTimer(clock)
  const ran: string[] = []
  expect(listening.count).toBe(0)
  timer(20, () => ran.push('late'))
  timer(10, () => {
    ran.push('early')
    timer(5, () => ran.push('again'))
  })
  const cancel = timer(30, () => ran.push('cancelled'))
  expect(listening.count).toBe(1)
  clock.advanceTo(10)
  clock.advanceTo(20)
  expect(ran).toEqual(['early', 'again', 'late'])
  cancel()
  cancel()
  expect(listening.count).toBe(0)
  clock.advanceTo(40)
  expect(ran).not.toContain('cancelled')
})
