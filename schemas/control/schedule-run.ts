import { type RecordFields, recordFormat } from '../record-fields.ts'
import { MAX_CHAIN_BYTES, MAX_PAIR_BYTES } from '../topics.ts'
import { MAX_PAIRS_A_REQUEST, PRIORITIES, type Priority } from '../warm-request.ts'

export const RUN_STATES = ['asked', 'begun', 'done'] as const
/** How far a run of a schedule is. `asked`: somebody wants it now. `begun`: it is known what it asks for. `done`: Kafka has all its warm requests. */
export type RunState = (typeof RUN_STATES)[number]

/** The pairs of one chain that a run asks for, as one warm request. */
export interface RunAsk {
  readonly strategy: string
  readonly chain: string
  readonly pairs: readonly string[]
  readonly scores?: readonly number[]
  readonly priority: Priority
}

/** What became of a run's requests of one strategy. Without a state, it is not over, or nobody looked. */
export interface RunResult {
  readonly strategy: string
  /** Undefined if there was nothing to warm. */
  readonly taskId?: string
  readonly pairs: number
  /** As the task ended. */
  readonly state?: string
  readonly reason?: string
  readonly warmed?: number
  readonly durationMs?: number
}

/**
 * A run of a schedule. The control topic keeps the newest record of each schedule. Service, schedule and `scheduledMs`
 * identify the run, whoever carries it out.
 */
export interface ScheduleRun {
  readonly v: 1
  /** Milliseconds since 1970. */
  readonly scheduledMs: number
  readonly state: RunState
  /** The node that wrote the record, or who asked. */
  readonly by: string
  readonly atMs: number
  /** All that it asks for. A successor that makes the run up sends the same. */
  readonly asks?: readonly RunAsk[]
  readonly results?: readonly RunResult[]
}

const MAX_BY_CHARS = 200
const MAX_NAME_BYTES = 64
const MAX_ASKS = 2_000
const MAX_RESULTS = 64
const MAX_REASON_CHARS = 500

export const { parse: parseScheduleRun, encode: encodeScheduleRun } = recordFormat(read)

function read(fields: RecordFields): ScheduleRun {
  return {
    v: 1,
    scheduledMs: fields.timeMs('scheduledMs'),
    state: fields.oneOf('state', RUN_STATES),
    by: fields.text('by', MAX_BY_CHARS),
    atMs: fields.timeMs('atMs'),
    ...(fields.has('asks') && { asks: fields.objects('asks', MAX_ASKS, readAsk) }),
    ...(fields.has('results') && { results: fields.objects('results', MAX_RESULTS, readResult) }),
  }
}

function readAsk(fields: RecordFields): RunAsk {
  const pairs = fields.names('pairs', { count: MAX_PAIRS_A_REQUEST, bytes: MAX_PAIR_BYTES })
  return {
    strategy: fields.name('strategy', MAX_NAME_BYTES),
    chain: fields.name('chain', MAX_CHAIN_BYTES),
    pairs,
    ...(fields.has('scores') && { scores: fields.shares('scores', pairs.length) }),
    priority: fields.oneOf('priority', PRIORITIES),
  }
}

function readResult(fields: RecordFields): RunResult {
  return {
    strategy: fields.name('strategy', MAX_NAME_BYTES),
    ...(fields.has('taskId') && { taskId: fields.name('taskId', MAX_NAME_BYTES) }),
    pairs: fields.count('pairs'),
    ...(fields.has('state') && { state: fields.name('state', MAX_NAME_BYTES) }),
    ...(fields.has('reason') && { reason: fields.text('reason', MAX_REASON_CHARS) }),
    ...(fields.has('warmed') && { warmed: fields.count('warmed') }),
    ...(fields.has('durationMs') && { durationMs: fields.timeMs('durationMs') }),
  }
}

/** Runs that somebody asks for come between the scheduled ones, so that they have records of their own. */
const KINDS = { scheduled: 'schedule:', asked: 'schedule-asked:' } as const
/** Whether a run came by its time, or somebody asked for it. */
export type RunKind = keyof typeof KINDS

/** The name under which the control topic keeps the last run of this kind. */
export function runSetting(kind: RunKind, schedule: string): string {
  return KINDS[kind] + schedule
}

/** Undefined for a setting that is no schedule's. */
export function runOfSetting(setting: string): { readonly kind: RunKind; readonly schedule: string } | undefined {
  for (const kind of ['scheduled', 'asked'] as const)
    if (setting.startsWith(KINDS[kind])) return { kind, schedule: setting.slice(KINDS[kind].length) }
  return undefined
}
