import { RUN_STATES, type ScheduleRun } from '../../schemas/control/schedule-run.ts'

/** Clocks of nodes differ, and no run is written before its time. */
const AHEAD_MS = 600_000

/**
 * The last run of each schedule, as its records tell in the order of the topic. The first record that says what a run asks
 * for counts: whoever carries the run out sends that, so that two leaders who do not know of each other send the same.
 */
export class ScheduleRuns {
  readonly #last = new Map<string, ScheduleRun>()

  last(setting: string): ScheduleRun | undefined {
    return this.#last.get(setting)
  }

  /** Undefined if the record was taken, or is of no use; else why it cannot be right. */
  take(setting: string, run: ScheduleRun, nowMs: number): string | undefined {
    // It would be the last one for as long as its time has not come.
    if (run.scheduledMs > nowMs + AHEAD_MS) return `scheduledMs: ${run.scheduledMs} is yet to come`
    const { scheduledMs, state } = this.#last.get(setting) ?? { scheduledMs: -1, state: 'asked' }
    const isLater = run.scheduledMs > scheduledMs
    const isFurther = run.scheduledMs === scheduledMs && placeOf(run.state) > placeOf(state)
    const isToldMore = run.scheduledMs === scheduledMs && run.state === 'done' && state === 'done'
    if (isLater || isFurther || isToldMore) this.#last.set(setting, run)
    return undefined
  }
}

function placeOf(state: ScheduleRun['state']): number {
  return RUN_STATES.indexOf(state)
}
