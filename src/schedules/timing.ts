import { Cron } from 'croner'

/** When a schedule runs. */
export interface Timing {
  /** For people. */
  readonly words: string
  /** The first run later than this, milliseconds since 1970; undefined if there is none. */
  next(afterMs: number): number | undefined
}

export const MINUTE_MS = 60_000
const MAX_TIMES = 1_000

/** Runs at no time of its own. */
export const NEVER: Timing = { words: 'at start', next: () => undefined }

/** Runs at multiples of the interval since 1970, so that all nodes know the same times. */
export function every(intervalMs: number): Timing {
  return {
    words: `every ${durationWords(intervalMs)}`,
    next: (afterMs) => Math.floor(afterMs / intervalMs + 1) * intervalMs,
  }
}

/**
 * Runs by the five fields of cron, in local time. A time of the day that does not exist runs once the clocks have gone
 * forward, and one that exists twice runs the first time. A pattern with `*` or `/` takes the clock's times as they come.
 */
export function cron(pattern: string, timeZone = 'UTC'): Timing {
  const times = parsed(pattern, timeZone)
  return {
    words: `${pattern} in ${timeZone}`,
    next: (afterMs) => times.nextRun(new Date(afterMs))?.getTime(),
  }
}

/** Why a pattern is refused, in words that follow it; undefined if it is none. */
export function cronFault(pattern: string): string | undefined {
  if (pattern.trim().split(/\s+/).length !== 5) return 'which has not five fields'
  try {
    return parsed(pattern, 'UTC').nextRun(ANY_DAY) === null ? 'which never comes' : undefined
  } catch (error) {
    return `which cannot be read: ${error instanceof Error ? error.message.replace(/^\w+: /, '') : error}`
  }
}

export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).format(ANY_DAY) !== ''
  } catch {
    return false
  }
}

/** Whether a pattern comes does not depend on it. */
const ANY_DAY = new Date('2026-01-01')

function parsed(pattern: string, timezone: string): Cron {
  return new Cron(pattern, { timezone, mode: '5-part', fixedTimeRule: 'no-wildcard' })
}

/** The runs later than `afterMs` and not later than `untilMs`, the first thousand of them. */
export function runsBetween(timing: Timing, afterMs: number, untilMs: number): readonly number[] {
  const runs: number[] = []
  let nextMs = timing.next(afterMs)
  while (nextMs !== undefined && nextMs <= untilMs && runs.length < MAX_TIMES) {
    runs.push(nextMs)
    nextMs = timing.next(nextMs)
  }
  return runs
}

/** The time from a run to the next one; infinite if there is none. */
export function gapAfter(timing: Timing, runMs: number): number {
  return (timing.next(runMs) ?? Number.POSITIVE_INFINITY) - runMs
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', MINUTE_MS],
] as const

/** As it is written in settings: 15m, 2h, 1d. */
export function durationWords(ms: number): string {
  const [unit, unitMs] = UNITS.find(([, each]) => ms % each === 0) ?? ['ms', 1]
  return `${ms / unitMs}${unit}`
}

/** Undefined for what is no whole number of minutes, hours or days. */
export function parseDuration(text: string): number | undefined {
  const [, count, unit] = /^([1-9]\d{0,4})([mhd])$/.exec(text) ?? []
  const unitMs = UNITS.find(([name]) => name === unit)?.[1]
  return unitMs === undefined ? undefined : Number(count) * unitMs
}
