import { virtualClock } from '../../src/clock.ts'
import type { Timed } from '../../src/schedules/course.ts'
import { type EngineOptions, ScheduleEngine } from '../../src/schedules/engine.ts'
import { ManualTimer } from '../harness/manual-timer.ts'

export const MINUTE_MS = 60_000
/** A Wednesday. */
export const START_MS = Date.parse('2026-07-01T00:10Z')

export type Options = Partial<EngineOptions<Timed, string>>

/** An engine on a virtual clock. Its runs end by themselves unless `run` is given. */
export function stage(schedules: readonly Timed[], options: Options = {}) {
  const clock = virtualClock(START_MS)
  const timer = new ManualTimer(clock)
  const runs: string[] = []
  const engine = new ScheduleEngine<Timed, string>({
    ...{ schedules, clock, timer: timer.start },
    ...options,
    run: async (schedule, scheduledMs, signal) => {
      runs.push(`${schedule.name} ${at(scheduledMs)}${clock.now() === scheduledMs ? '' : ` at ${at(clock.now())}`}`)
      return options.run?.(schedule, scheduledMs, signal) ?? 'done'
    },
  })
  return { clock, timer, runs, engine }
}

/** Hours and minutes in UTC, and seconds where there are any. */
export function at(ms: number): string {
  return new Date(ms).toISOString().slice(11, 19).replace(/:00$/, '')
}

export function forever(): Promise<never> {
  return new Promise(() => undefined)
}
