import type { RunKind, RunResult, RunState } from '../../schemas/control/schedule-run.ts'

/** The last run of a schedule by any node of the service. */
export interface LastRun {
  readonly kind: RunKind
  readonly scheduledMs: number
  /** `done`: Kafka has all its requests; the results say how they ended. */
  readonly state: RunState
  /** The node that wrote it. */
  readonly by: string
  readonly atMs: number
  readonly results: readonly RunResult[]
}

/** A schedule: when it runs, and how its last run went. */
export interface ScheduleFacts {
  readonly name: string
  /** When it runs, for people. */
  readonly words: string
  readonly strategies: readonly string[]
  /** Undefined if it does not run by itself any more. */
  readonly nextMs: number | undefined
  readonly last: LastRun | undefined
  /** The share of its warms that were read on this node, if it is slowed down for it. */
  readonly slowedAt: number | undefined
  /** Runs that this node left out since it leads, as the one before still ran, and those that nobody could begin in time. */
  readonly overlapped: number
  readonly missed: number
}

/** The schedules of a service, as one node knows them. */
export interface SchedulesStatus {
  /** Whether this node is one of those that may lead. */
  readonly isRunning: boolean
  /** Whether it leads: it runs the schedules of the whole service. */
  readonly isLeading: boolean
  /** Why no schedule runs here. */
  readonly reason: string | undefined
  /** Runs of the service that ended since this node has started. */
  readonly cycles: number
  readonly schedules: readonly ScheduleFacts[]
}
