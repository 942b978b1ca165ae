import type { RunResult, ScheduleRun } from '../../schemas/control/schedule-run.ts'

/** A schedule, as `schedules list` shows it. */
export interface ScheduleRow {
  readonly name: string
  readonly enabled: boolean
  readonly when: string
  /** Milliseconds since 1970. */
  readonly nextRunMs?: number
  readonly last?: ScheduleRun
}

export function* schedulesText(rows: readonly ScheduleRow[]): Iterable<string> {
  const width = Math.max(...rows.map(({ name }) => name.length))
  for (const { name, enabled, when, nextRunMs, last } of rows) {
    const next = nextRunMs === undefined ? '' : `, next ${timeText(nextRunMs)}`
    yield `${name.padEnd(width)}  ${enabled ? `${when}${next}` : 'off'}`
    if (last !== undefined) yield `${' '.repeat(width)}  last ${runText(last)}`
  }
}

export function runText({ scheduledMs, state, by, results = [] }: ScheduleRun): string {
  if (state !== 'done') return `${timeText(scheduledMs)}: ${state} by ${by}`
  return `${timeText(scheduledMs)}, run by ${by}: ${results.map(resultText).join('; ')}`
}

function resultText({ strategy, pairs, taskId, state, reason, warmed }: RunResult): string {
  if (taskId === undefined) return `${strategy}: nothing to warm`
  if (state === undefined) return `${strategy}: ${pairs} pairs asked for`
  return `${strategy}: ${warmed ?? 0} of ${pairs} pairs warmed, ${state}${reason === undefined ? '' : ` (${reason})`}`
}

function timeText(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z')
}
