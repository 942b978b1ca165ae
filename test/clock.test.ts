import { expect, test } from '@jest/globals'
import { isVirtual, systemClock, virtualClock } from '../src/clock.ts'

test('the system clock tells the wall time', () => {
  const before = Date.now()
  const now = systemClock.now()
  expect(now).toBeGreaterThanOrEqual(before)
  expect(now).toBeLessThanOrEqual(Date.now())
})

test('a virtual clock stands still until it is moved, and never goes back', () => {
  const clock = virtualClock(100)
  expect([clock.now(), clock.now()]).toEqual([100, 100])
  clock.advanceTo(150)
  clock.advanceTo(120)
  expect(clock.now()).toBe(150)
})

test('a virtual clock can be told from the system clock', () => {
  expect([isVirtual(virtualClock()), isVirtual(systemClock)]).toEqual([true, false])
})
