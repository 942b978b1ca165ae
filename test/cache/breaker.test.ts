import { describe, expect, it } from '@jest/globals'
import { CircuitBreaker } from '../../src/cache/breaker.ts'
import { virtualClock } from '../../src/clock.ts'
import { ManualTimer } from '../harness/manual-timer.ts'

function breaker(answers: (string | undefined)[] = []) {
  const clock = virtualClock(1_000)
  const timer = new ManualTimer(clock)
  const asked: number[] = []
  const probe = async () => {
    asked.push(clock.now())
    return answers.shift()
  }
  return { breaker: new CircuitBreaker({ clock, timer: timer.start, random: () => 0.999_999, probe }), timer, asked }
}

const failures = (one: CircuitBreaker, count: number) => {
  for (let i = 0; i < count; i++) one.failed('away')
}

describe('a circuit breaker', () => {
  it('opens at the fifth failure in a row', () => {
    const { breaker: one } = breaker()
    failures(one, 4)
    expect(one.open).toBeUndefined()
    one.failed('away')
    expect(one.open).toEqual({ reason: 'away', sinceMs: 1_000 })
  })

  it('starts counting anew after a success', () => {
    const { breaker: one } = breaker()
    failures(one, 4)
    one.succeeded()
    failures(one, 4)
    expect(one.open).toBeUndefined()
  })

  it('probes with waits that double up to half a second, and keeps the time at which it opened', async () => {
    const { breaker: one, timer, asked } = breaker(Array(9).fill('still away'))
    failures(one, 5)
    await timer.advance(2_500)
    const waits = asked.map((at, i) => Math.round(at - (asked[i - 1] ?? 1_000)))
    expect(waits).toEqual([100, 200, 400, 500, 500, 500])
    expect(one.open).toEqual({ reason: 'still away', sinceMs: 1_000 })
  })

  it('lets work through after a probe, and opens again at its first failure, with a longer wait', async () => {
    const { breaker: one, timer, asked } = breaker([undefined, undefined])
    failures(one, 5)
    await timer.advance(100)
    expect(one.open).toBeUndefined()
    one.failed('READONLY')
    expect(one.open?.reason).toBe('READONLY')
    await timer.advance(200)
    expect(asked.map(Math.round)).toEqual([1_100, 1_300])
    one.succeeded()
    failures(one, 4)
    expect(one.open).toBeUndefined()
  })

  it('lets work through after waits that double up to five seconds, if the work fails each time', async () => {
    const { breaker: one, timer, asked } = breaker()
    failures(one, 5)
    for (let turn = 0; turn < 8; turn++) {
      await timer.advance(5_000)
      one.failed('READONLY')
    }
    const waits = asked.map((at, i) => Math.round(at - 1_000 - i * 5_000))
    expect(waits).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000])
  })

  it('is half open on a new connection, and no longer probes', async () => {
    const { breaker: one, timer, asked } = breaker()
    failures(one, 5)
    one.halfOpen()
    await timer.advance(10_000)
    expect(asked).toEqual([])
    expect(one.open).toBeUndefined()
  })

  it('no longer probes once it is closed', async () => {
    const { breaker: one, timer, asked } = breaker()
    failures(one, 5)
    one.close()
    await timer.advance(10_000)
    expect(asked).toEqual([])
  })
})
