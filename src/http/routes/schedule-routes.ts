import type { RunResult } from '../../../schemas/control/schedule-run.ts'
import { PRIORITIES } from '../../../schemas/warm-request.ts'
import type { LastRun, ScheduleFacts, SchedulesStatus } from '../../schedules/status.ts'
import type { Operations } from '../operations.ts'
import { json } from '../reply.ts'
import type { Routes } from '../route.ts'
import { byName, COUNT, FLAG, list, NUMBER, object, oneOf, TEXT } from '../schema.ts'
import type { WarmingOperations } from '../warming-operations.ts'

const RESULT = object(
  { strategy: TEXT, symbols: COUNT },
  { task_id: TEXT, status: TEXT, reason: TEXT, symbols_warmed: COUNT, duration_seconds: NUMBER },
)
const LAST = object({
  ...{ kind: oneOf('scheduled', 'asked'), scheduled_ms: COUNT, state: oneOf('asked', 'begun', 'done') },
  ...{ by: TEXT, at_ms: COUNT, results: list(RESULT) },
})
const SCHEDULE = object(
  { name: TEXT, when: TEXT, strategies: list(TEXT), overlapped: COUNT, missed: COUNT },
  { next_run_ms: COUNT, slowed_at: NUMBER, last: LAST },
)
const STATUS = object(
  {
    ...{ running: FLAG, leading: FLAG, cycle_count: COUNT, next_runs: byName(COUNT) },
    ...{ performance_summary: byName(RESULT), schedules: list(SCHEDULE) },
    shed: object({ total: COUNT, by_priority: byName(COUNT) }),
  },
  { reason: TEXT },
)

/** The schedules of the service, and how they went. */
export function scheduleRoutes({ schedules, tasks }: Pick<Operations, 'schedules' | 'tasks'>): Routes {
  return {
    '/warming/status': {
      GET: {
        about:
          'the schedules of the service: when each runs next, its last results by strategy, and what was shed here',
        answers: { 200: STATUS },
        handle: () => json(200, shown(schedules(), tasks())),
      },
    },
  }
}

function shown({ isRunning, isLeading, reason, cycles, schedules }: SchedulesStatus, tasks?: WarmingOperations) {
  const shed = tasks?.stats().tasks.shed
  const nextRuns = schedules.flatMap(({ name, nextMs }) => (nextMs === undefined ? [] : [[name, nextMs]]))
  return {
    ...{ running: isRunning, leading: isLeading, ...(reason !== undefined && { reason }), cycle_count: cycles },
    ...{ next_runs: Object.fromEntries(nextRuns), performance_summary: newestResults(schedules) },
    schedules: schedules.map(shownSchedule),
    shed: {
      total: shed?.total ?? 0,
      by_priority: shed?.byPriority ?? Object.fromEntries(PRIORITIES.map((priority) => [priority, 0])),
    },
  }
}

/** Schedules may share a strategy: the one that ran last tells of it. */
function newestResults(schedules: readonly ScheduleFacts[]) {
  const lasts = schedules.flatMap(({ last }) => last ?? []).toSorted((a, b) => a.scheduledMs - b.scheduledMs)
  return Object.fromEntries(lasts.flatMap(({ results }) => results.map((each) => [each.strategy, shownResult(each)])))
}

function shownSchedule({ name, words, strategies, nextMs, last, slowedAt, overlapped, missed }: ScheduleFacts) {
  return {
    ...{ name, when: words, strategies, overlapped, missed },
    ...(nextMs !== undefined && { next_run_ms: nextMs }),
    ...(slowedAt !== undefined && { slowed_at: slowedAt }),
    ...(last !== undefined && { last: shownRun(last) }),
  }
}

function shownRun({ kind, scheduledMs, state, by, atMs, results }: LastRun) {
  return { kind, scheduled_ms: scheduledMs, state, by, at_ms: atMs, results: results.map(shownResult) }
}

function shownResult({ strategy, taskId, pairs, state, reason, warmed, durationMs }: RunResult) {
  return {
    ...{ strategy, symbols: pairs, ...(taskId !== undefined && { task_id: taskId }) },
    ...(state !== undefined && { status: state }),
    ...(reason !== undefined && { reason }),
    ...(warmed !== undefined && { symbols_warmed: warmed }),
    ...(durationMs !== undefined && { duration_seconds: durationMs / 1000 }),
  }
}
