import { atStart, whileRunning, whole } from '../setting.ts'

/** The settings of tasks: warm requests of people and schedules. */
export const TASK_SETTINGS = {
  ...whileRunning({
    maxConcurrent: whole(
      'WARMING_MAX_CONCURRENT',
      [1, 1_000, 10],
      'The most warm requests of people and schedules that a node carries out at the same time. Others wait, by priority.',
    ),
    rateLimit: whole(
      'WARMING_RATE_LIMIT',
      [1, 1_000_000, 100],
      'The most warm requests of schedules that a node begins in a minute. Others wait.',
    ),
    popularLimit: whole(
      'WARMING_POPULAR_LIMIT',
      [1, 1_000, 100],
      'The most pairs that are warmed as popular, unless the caller names a limit.',
    ),
  }),
  ...atStart('tasks that wait and their status go by it', {
    maxMinutes: whole(
      'WARMING_MAX_TASK_MINUTES',
      [1, 60, 10],
      'The longest time that a task may take, in minutes. Then it fails as timed out, with the results that have come.',
    ),
  }),
}
