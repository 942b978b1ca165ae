import type { RunAsk, RunResult, ScheduleRun } from '../../schemas/control/schedule-run.ts'
import type { WarmRequest } from '../../schemas/warm-request.ts'
import type { Clock } from '../../src/clock.ts'
import type { WarmSchedule } from '../../src/schedules/schedule.ts'
import { isOver, type Task } from '../../src/tasks/task.ts'
import { taskIdOf } from '../../src/tasks/task-id.ts'
import { systemTimer, type Timer } from '../../src/timer.ts'
import type { RunKey, RunLog } from './run-log.ts'

export interface RunOptions {
  readonly service: string
  readonly nodeId: string
  readonly clock: Clock
  readonly timer?: Timer | undefined
  readonly log: Pick<RunLog, 'last' | 'readToEnd' | 'write'>
  /** Whether no other node may lead. */
  readonly isLeading: () => boolean
  /** What the schedule asks for now. */
  readonly choose: (schedule: WarmSchedule) => readonly RunAsk[]
  /** Rejects if Kafka has not stored it. */
  readonly send: (request: WarmRequest) => Promise<void>
  /** How far a task is, as its results in Kafka tell. */
  readonly status: (taskId: string) => Promise<Task | undefined>
  /** A run is tried until so long after its time, while Kafka is away. */
  readonly graceMs: number
  /** The longest time that a task may take. */
  readonly maxTaskMs: number
}

/** One run of a schedule. */
export interface DueRun {
  readonly key: RunKey
  readonly schedule: WarmSchedule
  readonly scheduledMs: number
  readonly signal: AbortSignal
}

/** A run that comes late is tried for at least so long. */
const LEAST_MS = 10_000
const RETRY_MS = 500
const LOOKS_MS = [1_000, 2_000, 4_000, 8_000, 15_000] as const

/**
 * Carries runs out: what a run asks for is written to the control topic first and read back from there, then sent, then
 * noted as done. Whoever makes the run up finds the first record and sends the same requests with the same ids, which
 * nodes carry out once.
 */
export class Runs {
  readonly #options: RunOptions

  constructor(options: RunOptions) {
    this.#options = options
  }

  /** Resolves when all its requests are stored, to the results without an end. Rejects if Kafka stays away, or once the signal is aborted. */
  async send(run: DueRun): Promise<readonly RunResult[]> {
    const { clock, graceMs } = this.#options
    const untilMs = Math.max(run.scheduledMs + graceMs, clock.now() + LEAST_MS)
    for (;;) {
      try {
        return await this.#try(run)
      } catch (error) {
        if (run.signal.aborted || error instanceof Superseded || clock.now() >= untilMs) throw error
        await this.#pause(RETRY_MS, run.signal)
      }
    }
  }

  /** Resolves to how the tasks ended, or to what is known when the signal is aborted. Never rejects. */
  async watch(run: DueRun, results: readonly RunResult[]): Promise<readonly RunResult[]> {
    const { clock, maxTaskMs } = this.#options
    const untilMs = clock.now() + maxTaskMs + LEAST_MS
    let known = results
    for (let look = 0; known.some(isOpen) && !run.signal.aborted && clock.now() < untilMs; look++) {
      await this.#pause(LOOKS_MS[look] ?? 30_000, run.signal).catch(() => undefined)
      known = await Promise.all(known.map((result) => this.#look(result)))
    }
    if (known.some((result, at) => result !== results[at])) await this.#write(run, known).catch(() => undefined)
    return known
  }

  async #try(run: DueRun): Promise<readonly RunResult[]> {
    const { key, scheduledMs, signal } = run
    const { log } = this.#options
    const last = log.last(key)
    if (last !== undefined && last.scheduledMs > scheduledMs) throw new Superseded()
    if (last?.scheduledMs === scheduledMs && last.state === 'done') return last.results ?? []
    const begun = last?.scheduledMs === scheduledMs && last.state === 'begun' ? last : await this.#begin(run)
    this.#assertLeading(signal)
    const results = await this.#sendAll(run, begun.asks ?? [])
    await this.#write(run, results)
    return results
  }

  async #begin(run: DueRun): Promise<ScheduleRun> {
    const { key, schedule, scheduledMs, signal } = run
    const { log, nodeId: by, clock, choose } = this.#options
    this.#assertLeading(signal)
    const asks = choose(schedule)
    await log.write(key, { v: 1, scheduledMs, state: 'begun', by, atMs: clock.now(), asks })
    await log.readToEnd(AbortSignal.any([signal, AbortSignal.timeout(LEAST_MS)]))
    const begun = log.last(key)
    if (begun?.scheduledMs !== scheduledMs || begun.state === 'asked') throw new Superseded()
    return begun
  }

  async #sendAll(run: DueRun, asks: readonly RunAsk[]): Promise<readonly RunResult[]> {
    const requests: WarmRequest[] = []
    const byStrategy = Map.groupBy(asks, ({ strategy }) => strategy)
    const results = run.schedule.asks.map(({ strategy }): RunResult => {
      const ofStrategy = byStrategy.get(strategy) ?? []
      const made = this.#requests(run, strategy, ofStrategy)
      requests.push(...made.requests)
      const pairs = ofStrategy.reduce((sum, ask) => sum + ask.pairs.length, 0)
      return { strategy, ...(pairs > 0 && { taskId: made.taskId }), pairs }
    })
    await Promise.all(requests.map((request) => this.#options.send(request)))
    return results
  }

  #requests({ key, scheduledMs }: DueRun, strategy: string, asks: readonly RunAsk[]) {
    const { service, clock, maxTaskMs } = this.#options
    const identity = [service, key.kind, key.schedule, `${scheduledMs}`, strategy]
    const { taskId, requestIds } = taskIdOf(identity, scheduledMs, asks.length)
    const issuedAtMs = clock.now()
    const requests = asks.map(
      ({ chain, pairs, scores, priority }, at): WarmRequest => ({
        ...{ v: 1, requestId: requestIds[at] ?? '', service, chain, pairs, origin: 'schedule', strategy, priority },
        ...(scores && { scores }),
        ...{ reason: `schedule ${key.schedule}`, issuedAtMs, expiresAtMs: issuedAtMs + maxTaskMs },
      }),
    )
    return { taskId, requests }
  }

  async #look(result: RunResult): Promise<RunResult> {
    if (result.taskId === undefined || !isOpen(result)) return result
    const task = await this.#options.status(result.taskId).catch(() => undefined)
    if (task === undefined || !isOver(task)) return result
    const { state, reason, warmed, nodes } = task
    const durationMs = Math.max(0, ...nodes.map((node) => node.durationMs))
    return { ...result, state, ...(reason !== undefined && { reason }), warmed, durationMs }
  }

  #write({ key, scheduledMs }: DueRun, results: readonly RunResult[]): Promise<void> {
    const { log, nodeId: by, clock } = this.#options
    return log.write(key, { v: 1, scheduledMs, state: 'done', by, atMs: clock.now(), results })
  }

  #assertLeading(signal: AbortSignal): void {
    signal.throwIfAborted()
    if (!this.#options.isLeading()) throw new Error('another node may lead: Kafka has not answered for a session')
  }

  #pause(delayMs: number, signal: AbortSignal): Promise<void> {
    const { timer = systemTimer } = this.#options
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        cancel()
        reject(signal.reason)
      }
      const cancel = timer(delayMs, () => {
        signal.removeEventListener('abort', stop)
        resolve()
      })
      if (signal.aborted) stop()
      else signal.addEventListener('abort', stop, { once: true })
    })
  }
}

class Superseded extends Error {
  constructor() {
    super('a later run of the schedule has begun')
  }
}

/** Whether it is not known how the task ended. */
export function isOpen({ taskId, state }: RunResult): boolean {
  return taskId !== undefined && state === undefined
}
