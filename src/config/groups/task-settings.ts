import { atStart, whole } from '../setting.ts'

/** The settings of tasks: warm requests of people and schedules. */
export const TASK_SETTINGS = atStart('the queue of tasks is made with it', {
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
  maxMinutes: whole(
    'WARMING_MAX_TASK_MINUTES',
    [1, 60, 10],
    'The longest time that a task may take, in minutes. Then it fails as timed out, with the results that have come.',
  ),
  popularLimit: whole(
    'WARMING_POPULAR_LIMIT',
    [1, 1_000, 100],
    'The most pairs that are warmed as popular, unless the caller names a limit.',
  ),
})
