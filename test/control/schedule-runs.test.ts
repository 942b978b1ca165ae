import { expect, test } from '@jest/globals'
import type { ScheduleRun } from '../../schemas/control/schedule-run.ts'
import { ScheduleRuns } from '../../src/control/schedule-runs.ts'

const SETTING = 'schedule:popular'
const NOW_MS = 1_000_000

function run(scheduledMs: number, state: ScheduleRun['state'], by: string): ScheduleRun {
  return { v: 1, scheduledMs, state, by, atMs: scheduledMs }
}

function lastOf(...records: readonly ScheduleRun[]): string | undefined {
  const runs = new ScheduleRuns()
  for (const record of records) runs.take(SETTING, record, NOW_MS)
  const last = runs.last(SETTING)
  return last && `${last.state} by ${last.by}`
}

test('of two leaders that begin the same run, what the first one asks for counts', () => {
  expect(lastOf(run(1, 'begun', 'a'), run(1, 'begun', 'b'))).toBe('begun by a')
})

test('a run that is done is not begun again, and its results may be told later', () => {
  expect(lastOf(run(1, 'begun', 'a'), run(1, 'done', 'a'), run(1, 'begun', 'b'))).toBe('done by a')
  expect(lastOf(run(1, 'done', 'a'), run(1, 'done', 'b'))).toBe('done by b')
})

test('the record of an earlier run changes nothing, as a leader writes it that was stopped meanwhile', () => {
  expect(lastOf(run(2, 'begun', 'b'), run(1, 'done', 'a'))).toBe('begun by b')
})

test('a run whose time is far ahead is refused: it would keep all others from running until then', () => {
  const runs = new ScheduleRuns()
  expect(runs.take(SETTING, run(NOW_MS + 600_001, 'begun', 'a'), NOW_MS)).toContain('yet to come')
  expect(runs.last(SETTING)).toBeUndefined()
})
