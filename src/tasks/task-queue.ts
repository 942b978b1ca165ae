import { PRIORITIES, type Priority, type WarmRequest } from '../../schemas/warm-request.ts'
import { Alarm } from '../alarm.ts'
import type { Clock } from '../clock.ts'
import type { Timer } from '../timer.ts'
import { Backlog, type Waiting } from '../warming/backlog.ts'

export interface TaskQueueOptions {
  /** The most requests that are carried out at once. */
  readonly maxConcurrent: number
  /** The most requests of schedules that begin in a minute. */
  readonly perMinute: number
  /** A request that has waited for so long is refused. */
  readonly maxMs: number
  readonly clock: Clock
  readonly timer?: Timer | undefined
  readonly maxWaitingPairs?: number
  readonly onShed?: (reason: ShedReason, priority: Priority) => void
}

/** `full`: more urgent ones took its place. `late`: its task's time was over. `closed`: the node closes. */
export const SHED_REASONS = ['full', 'late', 'closed'] as const
export type ShedReason = (typeof SHED_REASONS)[number]

/** What waits and runs, and how many requests were refused since the start. */
export interface TaskQueueFigures {
  readonly waiting: number
  readonly waitingPairs: number
  readonly running: number
  readonly shed: {
    readonly total: number
    readonly byPriority: Readonly<Record<Priority, number>>
    readonly byReason: Readonly<Record<ShedReason, number>>
  }
}

interface Entry extends Waiting {
  readonly request: WarmRequest
  /** This node's own clock counts: the asker's may go wrong. */
  readonly untilMs: number
  readonly begin: (shed: ShedReason | undefined) => void
}

const MINUTE_MS = 60_000
const MAX_WAITING_PAIRS = 100_000

/** Whether a request is part of a task: a person or a schedule asks, and somebody may look for what became of it. */
export function isTask({ origin }: Pick<WarmRequest, 'origin'>): boolean {
  return origin === 'manual' || origin === 'schedule' || origin === 'recommendation'
}

/**
 * Requests of tasks before they go to the warmer: a few at once, the most urgent first, so that they leave the warmer to
 * the requests that nodes make by themselves. When too many pairs wait, the oldest requests of the lowest priority are
 * shed, critical ones never.
 */
export class TaskQueue {
  readonly #options: TaskQueueOptions
  readonly #backlog: Backlog<Entry>
  readonly #alarm: Alarm
  /** When the last requests of schedules began or will begin, as many as may in a minute. */
  readonly #begun: number[] = []
  readonly #byPriority = { critical: 0, high: 0, medium: 0, low: 0 }
  readonly #byReason = { full: 0, late: 0, closed: 0 }
  readonly #room: (() => void)[] = []
  #running = 0
  #isClosed = false
  #maxConcurrent: number
  #perMinute: number

  constructor(options: TaskQueueOptions) {
    this.#options = options
    this.#maxConcurrent = options.maxConcurrent
    this.#perMinute = options.perMinute
    this.#backlog = new Backlog(options.maxWaitingPairs ?? MAX_WAITING_PAIRS)
    this.#alarm = new Alarm(() => this.#pump(), options.timer)
  }

  get figures(): TaskQueueFigures {
    const total = Object.values(this.#byReason).reduce((sum, count) => sum + count, 0)
    return {
      ...{ waiting: this.#backlog.requests, waitingPairs: this.#backlog.pairs, running: this.#running },
      shed: { total, byPriority: { ...this.#byPriority }, byReason: { ...this.#byReason } },
    }
  }

  /** Sets how many requests run at once, and how many of schedules begin in a minute. Those that run or have their minute go on. */
  bound({ maxConcurrent, perMinute }: Pick<TaskQueueOptions, 'maxConcurrent' | 'perMinute'>): void {
    this.#maxConcurrent = maxConcurrent
    this.#perMinute = perMinute
    this.#pump()
  }

  /** Carries the request out in its turn, or resolves to why it was shed. Rejects only if `carryOut` does. */
  async run<T>(request: WarmRequest, carryOut: () => Promise<T>): Promise<T | ShedReason> {
    const shed = await this.#turn(request)
    if (shed !== undefined) return shed
    try {
      return await carryOut()
    } finally {
      this.#running--
      this.#pump()
    }
  }

  /** Resolves when the waiting requests are within their bound, which critical ones may exceed. */
  room(): Promise<void> {
    if (!this.#backlog.overfull) return Promise.resolve()
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#room.push(resolve)
    return promise
  }

  /** Sheds what waits. May be called twice. */
  close(): void {
    this.#isClosed = true
    this.#alarm.close()
    for (const entry of this.#backlog.drain()) this.#shed(entry, 'closed')
    this.#letIn()
  }

  #turn(request: WarmRequest): Promise<ShedReason | undefined> {
    const { promise, resolve: begin } = Promise.withResolvers<ShedReason | undefined>()
    const nowMs = this.#options.clock.now()
    const entry: Entry = {
      ...{
        request,
        begin,
        untilMs: nowMs + this.#options.maxMs,
        heapIndex: -1,
        rank: PRIORITIES.indexOf(request.priority),
        pairIds: request.pairs,
      },
      dueMs: request.origin === 'schedule' ? this.#nextScheduledMs(nowMs) : nowMs,
    }
    if (this.#isClosed) this.#shed(entry, 'closed')
    else {
      for (const shed of this.#backlog.add(entry, nowMs)) this.#shed(shed, 'full')
      this.#pump()
    }
    return promise
  }

  /** The moment at which one more request of a schedule may begin. */
  #nextScheduledMs(nowMs: number): number {
    let earliestMs = nowMs
    while (this.#begun.length >= this.#perMinute) earliestMs = (this.#begun.shift() ?? nowMs) + MINUTE_MS
    const dueMs = Math.max(nowMs, earliestMs)
    this.#begun.push(dueMs)
    return dueMs
  }

  #pump(): void {
    const nowMs = this.#options.clock.now()
    this.#backlog.release(nowMs)
    while (this.#running < this.#maxConcurrent) {
      const [entry] = this.#backlog.take(1)
      if (entry === undefined) break
      if (nowMs > entry.untilMs) this.#shed(entry, 'late')
      else {
        this.#running++
        entry.begin(undefined)
      }
    }
    this.#letIn()
    this.#alarm.clear()
    const dueMs = this.#backlog.nextDueMs
    if (dueMs !== undefined && !this.#isClosed) this.#alarm.set(Math.max(1, dueMs - nowMs))
  }

  #shed({ request, begin }: Entry, reason: ShedReason): void {
    this.#byReason[reason]++
    this.#byPriority[request.priority]++
    this.#options.onShed?.(reason, request.priority)
    begin(reason)
  }

  #letIn(): void {
    if (!this.#backlog.overfull) for (const letIn of this.#room.splice(0)) letIn()
  }
}
