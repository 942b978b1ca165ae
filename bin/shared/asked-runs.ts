import { setTimeout as delay } from 'node:timers/promises'
import type { RunLog } from '../../node/schedules/run-log.ts'
import { isOpen } from '../../node/schedules/schedule-run.ts'
import type { ScheduleRun } from '../../schemas/control/schedule-run.ts'

export interface AskedRuns {
  readonly names: readonly string[]
  readonly by: string
  readonly scheduledMs: number
  /** Resolves to what is known then. */
  readonly signal: AbortSignal
  /** The leader has so long to begin. */
  readonly beginMs: number
}

const LOOK_EVERY_MS = 100

/** Asks the node that leads for runs now. Resolves when all of them are over, or when nobody has begun one in time. */
export async function askForRuns(
  log: Pick<RunLog, 'last' | 'write'>,
  { names, by, scheduledMs, signal, beginMs }: AskedRuns,
): Promise<readonly (readonly [name: string, run: ScheduleRun | undefined])[]> {
  const keys = names.map((schedule) => ({ kind: 'asked', schedule }) as const)
  const asked: ScheduleRun = { v: 1, scheduledMs, state: 'asked', by, atMs: scheduledMs }
  await Promise.all(keys.map((key) => log.write(key, asked)))
  const untilMs = performance.now() + beginMs
  const isWaiting = (run: ScheduleRun | undefined): boolean => {
    if (run === undefined || run.state === 'asked') return performance.now() < untilMs
    return run.state === 'begun' || run.results?.some(isOpen) === true
  }
  const runs = () => keys.map((key) => log.last(key))
  while (runs().some(isWaiting) && !signal.aborted)
    await delay(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined)
  return keys.map((key) => [key.schedule, log.last(key)])
}
