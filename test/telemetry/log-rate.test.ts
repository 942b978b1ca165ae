import { expect, test } from '@jest/globals'
import { virtualClock } from '../../src/clock.ts'
import { LogRate } from '../../src/telemetry/log-rate.ts'

function stage() {
  const clock = virtualClock(1_000)
  const rate = new LogRate({ clock })
  const lines: string[] = []
  const tell = (kind: string, what: string) => rate.tell(kind, (passedOver) => lines.push(`${what} +${passedOver}`))
  return { clock, rate, lines, tell }
}

test('the first event of each kind is logged at once', () => {
  const { lines, tell } = stage()
  tell('a', 'a1')
  tell('b', 'b1')
  expect(lines).toEqual(['a1 +0', 'b1 +0'])
})

test('a kind has at most one log line a second, which counts the events without one', () => {
  const { clock, lines, tell } = stage()
  for (let i = 1; i <= 3_000; i++) {
    tell('a', `a${i}`)
    clock.advanceTo(1_000 + i)
  }
  expect(lines).toEqual(['a1 +0', 'a1001 +999', 'a2001 +999'])
})

test('the last event without a line is logged at the end, once', () => {
  const { rate, lines, tell } = stage()
  for (const what of ['a1', 'a2', 'a3']) tell('a', what)
  tell('b', 'b1')
  rate.flush()
  rate.flush()
  expect(lines).toEqual(['a1 +0', 'b1 +0', 'a3 +1'])
})

test('a clock that was set back does not silence the log', () => {
  let nowMs = 10_000
  const lines: number[] = []
  const rate = new LogRate({ clock: { now: () => nowMs } })
  rate.tell('a', (passedOver) => lines.push(passedOver))
  nowMs = 5_000
  rate.tell('a', (passedOver) => lines.push(passedOver))
  expect(lines).toEqual([0, 0])
})
