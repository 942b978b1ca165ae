import { setTimeout as delay } from 'node:timers/promises'
import { TaskRecords } from '../../consumers/task-records.ts'
import type { TaskTurns } from '../../consumers/warm-requests.ts'
import type { WarmRequestProducer } from '../../producers/warm-requests.ts'
import { PROPOSING_STRATEGIES, serviceOf, type WarmRequest } from '../../schemas/warm-request.ts'
import type { Broker } from '../../src/broker/port.ts'
import type { Clock } from '../../src/clock.ts'
import type { RunningConfig } from '../../src/config/running/running-config.ts'
import type { Config } from '../../src/config/settings.ts'
import type {
  CycleResult,
  WarmingOperations,
  WarmingStats,
  WarmWish,
  WishAnswer,
} from '../../src/http/warming-operations.ts'
import { isOver, requestFacts, SILENCE_MS, startOf, type Task, taskOf } from '../../src/tasks/task.ts'
import { makeTaskId, parseTaskId } from '../../src/tasks/task-id.ts'
import { TaskQueue } from '../../src/tasks/task-queue.ts'
import { type TaskEntry, TaskTable, taskEntry } from '../../src/tasks/task-table.ts'
import type { Metrics } from '../../src/telemetry/slab.ts'
import type { Interest } from '../../src/warming/interest.ts'
import { RecentIds } from '../../src/warming/recent-ids.ts'
import { refusalAnswer } from '../../src/warming/warm-answer.ts'
import type { Warmer } from '../../src/warming/warmer.ts'
import type { Caches } from '../options.ts'
import { type Choice, type Chosen, choose } from './warm-wish.ts'
import { warmingStats } from './warming-stats.ts'

export interface NodeTasksOptions {
  readonly running: Pick<RunningConfig, 'now' | 'follow'>
  readonly config: Config
  readonly broker: Broker
  readonly nodeId: string
  readonly caches: Caches
  readonly clock: Clock
  readonly requests: WarmRequestProducer
  readonly warmer: Warmer
  readonly interest: Pick<Interest, 'includes'>
  readonly metrics: Metrics
}

/** A task that is being read, and the end of that. */
interface Reading {
  readonly entry: TaskEntry
  readonly done: Promise<void>
}

const DAY_MS = 86_400_000
/** Clocks of nodes differ. */
const AHEAD_MS = 60_000
/** The reading of a task gives up after so long. */
const READ_MS = 5_000
/** A manual cycle waits for its tasks no longer: the answer to a request may take 10 s. */
const CYCLE_MS = 8_000
const LOOK_EVERY_MS = 200
const SCHEDULED_IDS = 1_000
/** Records that come so late, by their own times, are still read. */
const SPARE_MS = 5_000

/** The tasks of a service, as this node makes them and tells of them. What it tells is all read from Kafka. */
export class NodeTasks implements WarmingOperations {
  readonly #options: NodeTasksOptions
  readonly #records: TaskRecords
  readonly #table = new TaskTable()
  readonly #reading = new Map<string, Reading>()
  readonly #closing = new AbortController()
  readonly #maxMs: number
  /** The warmer forgets them sooner, among requests that nodes make by themselves. */
  readonly #scheduled = new RecentIds(SCHEDULED_IDS)
  #cycle: Promise<Readonly<Record<string, CycleResult>>> | undefined
  readonly #queue: TaskQueue
  /** For the consumer of requests. */
  readonly turns: TaskTurns

  constructor(options: NodeTasksOptions) {
    const { config, broker, nodeId } = options
    const { warmRequestsTopic: warmRequests, warmResultsTopic: warmResults } = config.kafka
    this.#options = options
    this.#maxMs = config.tasks.maxMinutes * 60_000
    this.#records = new TaskRecords({
      ...{ broker, service: config.node.service, topics: { warmRequests, warmResults }, maxMs: this.#maxMs },
      groupId: `forewarm.${config.node.service}.tasks.${nodeId}`,
    })
    this.#queue = this.#createQueue()
    this.turns = {
      queue: this.#queue,
      takes: (request) => this.#takes(request),
      isRepeated: ({ origin, requestId }) => origin === 'schedule' && !this.#scheduled.add(requestId),
      refuse: (request) => refusalAnswer(request, { node: nodeId, reason: 'shed', atMs: options.clock.now() }),
    }
  }

  async wish(wish: WarmWish): Promise<WishAnswer> {
    const chosen = this.#choose(wish)
    if (!chosen.ok) return chosen
    return { ok: true, taskId: await this.#send(wish, chosen.requests) }
  }

  async status(taskId: string): Promise<Task | undefined> {
    const id = parseTaskId(taskId)
    const nowMs = this.#options.clock.now()
    if (id === undefined || id.madeAtMs > nowMs + AHEAD_MS || id.madeAtMs < nowMs - DAY_MS) return undefined
    // Those who ask at the same time share a reading.
    const entry = this.#reading.get(taskId)?.entry ?? this.#table.get(taskId) ?? taskEntry(id)
    if (!entry.isClosed) await this.#read(entry)
    if (entry.requests.length + entry.results.length === 0 && id.requestIds.length > 0) return undefined
    if (this.#table.get(taskId) === undefined) this.#table.add(entry)
    return taskOf(entry, this.#options.clock.now(), this.#maxMs)
  }

  /** Those who ask while a cycle runs share it. */
  runCycle(): Promise<Readonly<Record<string, CycleResult>>> {
    this.#cycle ??= this.#runCycle().finally(() => {
      this.#cycle = undefined
    })
    return this.#cycle
  }

  async #runCycle(): Promise<Readonly<Record<string, CycleResult>>> {
    const untilMs = performance.now() + CYCLE_MS
    const cycle = PROPOSING_STRATEGIES.map(async (strategy): Promise<[string, CycleResult]> => {
      const startedMs = performance.now()
      const wish = { strategy, pairs: [] }
      const chosen = this.#choose(wish)
      const task = chosen.ok ? await this.#outcome(await this.#send(wish, chosen.requests), untilMs) : undefined
      return [strategy, { warmed: task?.warmed ?? 0, durationMs: performance.now() - startedMs }]
    })
    return Object.fromEntries(await Promise.all(cycle))
  }

  stats(): WarmingStats {
    const { warmer, caches } = this.#options
    return warmingStats(warmer.stats(), caches.l1.usage, this.#queue.figures)
  }

  /** Ends what is read, and refuses what waits. May be called twice. */
  async close(): Promise<void> {
    this.#closing.abort()
    this.#queue.close()
    await Promise.allSettled([...this.#reading.values()].map(({ done }) => done))
  }

  #createQueue(): TaskQueue {
    const { config, running, clock, metrics } = this.#options
    const { maxConcurrent, rateLimit: perMinute } = config.tasks
    const queue = new TaskQueue({
      ...{ maxConcurrent, perMinute, maxMs: this.#maxMs, clock },
      onShed: (reason, priority) => metrics.counter('warm_tasks_shed_total', { reason, priority }).add(1),
    })
    metrics.observe('warm_tasks_waiting', {}, () => queue.figures.waiting)
    running.follow(({ tasks }) => queue.bound({ maxConcurrent: tasks.maxConcurrent, perMinute: tasks.rateLimit }))
    return queue
  }

  #takes({ chain, pairs, notBeforeMs = 0, ...request }: WarmRequest): boolean {
    const { clock, config, interest } = this.#options
    if (notBeforeMs > clock.now() || serviceOf(request) !== config.node.service) return false
    return pairs.some((pair) => interest.includes(chain, pair))
  }

  #choose(wish: WarmWish): Choice {
    const { caches, running, clock, config } = this.#options
    const { popularLimit } = running.now.config.tasks
    return choose(wish, { caches, nowMs: clock.now(), popularLimit, sureFrom: config.prediction.confidence })
  }

  /** One request a chain. Resolves when Kafka has them all. */
  async #send({ strategy, priority }: WarmWish, chosen: readonly Chosen[]): Promise<string> {
    const { clock, config, requests } = this.#options
    const issuedAtMs = clock.now()
    const id = makeTaskId(issuedAtMs, chosen.length)
    const { service } = config.node
    const all = chosen.map(
      (each, at): WarmRequest => ({
        ...{
          v: 1,
          requestId: id.requestIds[at] ?? '',
          service,
          chain: each.chain,
          pairs: each.pairs,
          origin: 'manual',
        },
        ...{ strategy, priority: priority ?? each.priority, ...(each.scores && { scores: each.scores }) },
        ...{ issuedAtMs, expiresAtMs: issuedAtMs + this.#maxMs },
      }),
    )
    await Promise.all(all.map((request) => requests.send(request)))
    this.#table.add(taskEntry(id, all.map(requestFacts)))
    return id.taskId
  }

  /** The task as it is when it ends, or when the time is over. */
  async #outcome(taskId: string, untilMs: number): Promise<Task | undefined> {
    const { signal } = this.#closing
    for (;;) {
      const task = await this.status(taskId)
      if (task === undefined || isOver(task) || performance.now() > untilMs) return task
      await delay(LOOK_EVERY_MS, undefined, { signal })
    }
  }

  #read(entry: TaskEntry): Promise<void> {
    const { taskId } = entry.id
    const known = this.#reading.get(taskId)
    if (known !== undefined) return known.done
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(READ_MS)])
    const readAtMs = this.#options.clock.now()
    const done = this.#records
      .read(entry, signal)
      .then(() => {
        entry.isClosed = isOver(taskOf(entry, readAtMs - SPARE_MS, this.#maxMs)) && isSilent(entry, readAtMs)
      })
      .finally(() => this.#reading.delete(taskId))
    this.#reading.set(taskId, { entry, done })
    return done
  }
}

/** Whether a further result would be none of the task's. */
function isSilent(entry: TaskEntry, nowMs: number): boolean {
  const lastMs = entry.results.reduce((last, { atMs }) => Math.max(last, atMs), startOf(entry))
  return nowMs > lastMs + SILENCE_MS + SPARE_MS
}
