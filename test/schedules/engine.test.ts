import { describe, expect, test } from '@jest/globals'
import type { RunRecord } from '../../src/schedules/course.ts'
import { cron, every, NEVER } from '../../src/schedules/timing.ts'
import { at, forever, MINUTE_MS, START_MS, stage } from './engine-stage.ts'

const HALF_HOURLY = { name: 'popular', timing: every(30 * MINUTE_MS) }
const AT_0030 = Date.parse('2026-07-01T00:30Z')

describe('an engine that leads from its start', () => {
  test('runs each schedule at its times, and nothing of the time before its start', async () => {
    const { engine, timer, runs } = stage([HALF_HOURLY, { name: 'daily', timing: cron('45 0 * * *') }])
    engine.start()
    engine.start()
    await timer.advance(80 * MINUTE_MS)
    expect(runs).toEqual(['popular 00:30', 'daily 00:45', 'popular 01:00', 'popular 01:30'])
  })

  test('runs a schedule of the start at once, and again after a stop', async () => {
    const { engine, timer, runs } = stage([{ name: 'start-up', timing: NEVER, atStart: true }])
    engine.start()
    await timer.advance(MINUTE_MS)
    engine.stop()
    await timer.advance(MINUTE_MS)
    engine.start()
    await timer.advance(MINUTE_MS)
    expect(runs).toEqual(['start-up 00:10', 'start-up 00:12'])
  })

  test('runs nothing once it has stopped, and stops what runs', async () => {
    const signals: AbortSignal[] = []
    const { engine, timer, runs } = stage([HALF_HOURLY], {
      run: (_, __, signal) => {
        signals.push(signal)
        return forever()
      },
    })
    engine.start()
    await timer.advance(20 * MINUTE_MS)
    engine.stop()
    engine.stop()
    await timer.advance(60 * MINUTE_MS)
    expect(runs).toEqual(['popular 00:30'])
    expect(signals.map(({ aborted }) => aborted)).toEqual([true])
    expect([timer.pending, engine.status()[0]?.last?.outcome]).toEqual([0, 'stopped'])
  })

  test('leaves out the runs for which the machine slept, and counts a stretch of them once', async () => {
    const { engine, clock, timer, runs } = stage([HALF_HOURLY])
    engine.start()
    clock.advanceTo(START_MS + 95 * MINUTE_MS)
    await timer.advance(20 * MINUTE_MS)
    expect(runs).toEqual(['popular 02:00'])
    expect(engine.status()[0]?.missed).toBe(1)
  })

  test('runs late within the grace time, and not later', async () => {
    const lateBy = async (ms: number, graceMs: number) => {
      const { engine, clock, timer, runs } = stage([HALF_HOURLY], { graceMs })
      engine.start()
      clock.advanceTo(AT_0030 + ms)
      await timer.advance(0)
      return runs
    }
    expect(await lateBy(60_000, 60_000)).toEqual(['popular 00:30 at 00:31'])
    expect(await lateBy(60_001, 60_000)).toEqual([])
    // The grace time is never more than half of the interval.
    expect(await lateBy(15 * MINUTE_MS, 3_600_000)).toEqual(['popular 00:30 at 00:45'])
    expect(await lateBy(15 * MINUTE_MS + 1, 3_600_000)).toEqual([])
  })

  test('leaves a run out while the one before still runs, and ends one that takes too long', async () => {
    const { engine, timer, runs } = stage([{ name: 'popular', timing: every(5 * MINUTE_MS) }], {
      run: (_, scheduledMs) => (at(scheduledMs) === '00:15' ? forever() : Promise.resolve('done')),
      maxRunMs: 12 * MINUTE_MS,
    })
    engine.start()
    await timer.advance(18 * MINUTE_MS)
    expect(engine.status()[0]).toMatchObject({ overlapped: 2, isRunning: false, last: { outcome: 'late' } })
    await timer.advance(5 * MINUTE_MS)
    expect(runs).toEqual(['popular 00:15', 'popular 00:30'])
  })

  test('tells how its last run ended, and goes on after one that failed', async () => {
    const outcomes: string[] = []
    const { engine, timer } = stage([HALF_HOURLY], {
      run: (_, scheduledMs) => {
        if (scheduledMs === AT_0030) throw new Error('no broker')
        return Promise.resolve('ten pairs')
      },
      onEnded: ({ outcome, result, error }) => outcomes.push(`${outcome} ${result ?? (error as Error).message}`),
    })
    engine.start()
    await timer.advance(60 * MINUTE_MS)
    expect(outcomes).toEqual(['failed no broker', 'done ten pairs'])
    expect(engine.status()[0]?.last).toMatchObject({ outcome: 'done', result: 'ten pairs' })
  })

  test('tells when each schedule runs next, those without a time left out', () => {
    const { engine } = stage([HALF_HOURLY, { name: 'start-up', timing: NEVER, atStart: true }])
    engine.start()
    expect(engine.nextRuns()).toEqual({ popular: AT_0030 })
  })

  test('notices within a minute that the clock was set forward', async () => {
    const clock = { nowMs: START_MS, now: () => clock.nowMs }
    const { engine, timer, runs } = stage([HALF_HOURLY], { clock })
    engine.start()
    clock.nowMs = AT_0030
    await timer.advance(MINUTE_MS)
    expect(runs).toHaveLength(1)
  })

  test('runs nothing twice when the clock is set back', async () => {
    const clock = { nowMs: START_MS, now: () => clock.nowMs }
    const { engine, timer, runs } = stage([HALF_HOURLY], { clock })
    engine.start()
    clock.nowMs = AT_0030
    await timer.advance(MINUTE_MS)
    clock.nowMs = AT_0030 - MINUTE_MS
    for (let minutes = 0; minutes < 5; minutes++) {
      await timer.advance(MINUTE_MS)
      clock.nowMs += MINUTE_MS
    }
    expect(runs).toHaveLength(1)
  })
})

describe('an engine whose leader is elected', () => {
  /** Starts at 00:10 and begins to lead at 00:30 and so many milliseconds. */
  async function ledAfter(ms: number, record?: RunRecord) {
    const { engine, timer, runs } = stage([HALF_HOURLY], { elected: true, lastRun: () => record })
    engine.start()
    await timer.advance(AT_0030 + ms - START_MS)
    engine.lead()
    await timer.advance(0)
    return runs
  }

  test('runs nothing before it leads, nor when it leads no longer', async () => {
    const { engine, timer, runs } = stage([HALF_HOURLY], { elected: true })
    engine.lead()
    engine.start()
    await timer.advance(25 * MINUTE_MS)
    expect([runs, engine.isLeading]).toEqual([[], false])
    engine.lead()
    await timer.advance(30 * MINUTE_MS)
    engine.follow()
    await timer.advance(60 * MINUTE_MS)
    expect(runs).toEqual(['popular 01:00'])
  })

  test('makes up a run that nobody began, within the grace time alone', async () => {
    expect(await ledAfter(10_000)).toEqual(['popular 00:30 at 00:30:10'])
    expect(await ledAfter(60_001)).toEqual([])
  })

  test('makes up a run that its leader began and did not end, with the same time', async () => {
    expect(await ledAfter(10_000, { scheduledMs: AT_0030, state: 'begun' })).toEqual(['popular 00:30 at 00:30:10'])
  })

  test('does not repeat a run that is done, though its own clock has not reached the time of it', async () => {
    expect(await ledAfter(10_000, { scheduledMs: AT_0030, state: 'done' })).toEqual([])
    expect(await ledAfter(-5_000, { scheduledMs: AT_0030, state: 'done' })).toEqual([])
  })

  test('that leads again soon asks again for the run that was stopped, and not for one that has ended', async () => {
    const again = async (run: () => Promise<string>) => {
      const { engine, timer, runs } = stage([HALF_HOURLY], { elected: true, run })
      engine.start()
      engine.lead()
      await timer.advance(20 * MINUTE_MS)
      engine.follow()
      await timer.advance(10_000)
      engine.lead()
      await timer.advance(0)
      return runs
    }
    expect(await again(forever)).toEqual(['popular 00:30', 'popular 00:30 at 00:30:10'])
    expect(await again(async () => 'done')).toEqual(['popular 00:30'])
  })

  test('makes up nothing of the time before it started: the service may have been away', async () => {
    const { engine, timer, runs } = stage([{ name: 'popular', timing: every(10 * MINUTE_MS) }], { elected: true })
    engine.start()
    await timer.advance(5_000)
    engine.lead()
    await timer.advance(0)
    expect(runs).toEqual([])
  })

  test('runs a schedule of the start if it leads soon, and no other engine has done so', async () => {
    const startUp = { name: 'start-up', timing: NEVER, atStart: true }
    const ledIn = async (ms: number, record?: RunRecord) => {
      const { engine, timer, runs } = stage([startUp], { elected: true, lastRun: () => record })
      engine.start()
      await timer.advance(ms)
      engine.lead()
      await timer.advance(0)
      return runs
    }
    expect(await ledIn(3_000)).toEqual(['start-up 00:10 at 00:10:03'])
    expect(await ledIn(10 * MINUTE_MS)).toEqual([])
    const aDayAgo = START_MS - 86_400_000
    expect(await ledIn(3_000, { scheduledMs: aDayAgo, state: 'done' })).toEqual(['start-up 00:10 at 00:10:03'])
    expect(await ledIn(3_000, { scheduledMs: START_MS - 1_000, state: 'done' })).toEqual([])
    expect(await ledIn(3_000, { scheduledMs: START_MS - 1_000, state: 'begun' })).toEqual([
      'start-up 00:09:59 at 00:10:03',
    ])
  })
})

describe('a schedule whose warms nobody reads', () => {
  test('runs as seldom as a throttled kind of warms is tried, says so, and runs as before once they are read', async () => {
    const ended = { used: 0, unused: 0 }
    const told: string[] = []
    const { engine, timer, runs } = stage([HALF_HOURLY], {
      ended: () => ended,
      onSlowed: ({ name }, accuracy) => told.push(`${name} ${accuracy}`),
    })
    engine.start()
    await timer.advance(60 * MINUTE_MS)
    ended.used = 2
    ended.unused = 198
    await timer.advance(24 * 60 * MINUTE_MS)
    expect(runs).toEqual(['popular 00:30', 'popular 01:00'])
    expect(told).toEqual(['popular 0.01'])
    // 50 × half an hour after the last run.
    expect(engine.nextRuns()).toEqual({ popular: Date.parse('2026-07-02T02:00Z') })
    await timer.advance(60 * MINUTE_MS)
    ended.used = 102
    await timer.advance(60 * MINUTE_MS)
    expect(runs.slice(2)).toEqual(['popular 02:00', 'popular 02:30', 'popular 03:00'])
    expect(told).toEqual(['popular 0.01', 'popular undefined'])
  })

  test('runs once a week at least', async () => {
    const { engine, timer } = stage([{ name: 'pre-market', timing: cron('30 8 * * *') }], {
      ended: () => ({ used: 0, unused: 200 }),
    })
    engine.start()
    await timer.advance(10 * 60 * MINUTE_MS)
    expect(engine.nextRuns()).toEqual({ 'pre-market': Date.parse('2026-07-08T08:30Z') })
  })
})
