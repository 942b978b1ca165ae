import { randomUUID } from 'node:crypto'
import { type Context, ROOT_CONTEXT } from '@opentelemetry/api'
import { DEFAULT_SERVICE } from '../../schemas/topics.ts'
import { PRIORITIES, type WarmRequest } from '../../schemas/warm-request.ts'
import type { WarmResult } from '../../schemas/warm-result.ts'
import { Alarm } from '../alarm.ts'
import { warmCode, warmKindOf } from '../cache/l1/usage.ts'
import type { PairTable } from '../cache/names/pair-table.ts'
import type { Clock } from '../clock.ts'
import { InFlight } from '../in-flight.ts'
import type { Metrics } from '../telemetry/slab.ts'
import { contextUnder, endFailed, Spans } from '../telemetry/spans.ts'
import type { Timer } from '../timer.ts'
import { Admissions, type WarmRefusal } from './admission.ts'
import type { Arms } from './arms/arms.ts'
import { Backlog } from './backlog.ts'
import { type Governed, type Governing, governed, offBecause } from './governed.ts'
import { outcomesOf, planTrip } from './trip.ts'
import { type AnswerFacts, answer, refusalAnswer } from './warm-answer.ts'
import { WarmCounts, type WarmerStats } from './warm-counts.ts'
import type { WarmJob } from './warm-job.ts'

export interface WarmerOptions extends Governing {
  /** The name of this node in its results. */
  readonly nodeId: string
  /** Requests of other services are counted and left to their nodes; \`default\` unless given. */
  readonly service?: string
  readonly table: PairTable
  /** Whether the pair concerns this node: updates of it, or of its chain if it has none yet, arrive here, or a detector here reads it. */
  readonly isInterested: (chain: string, pair: string) => boolean
  /** The clock that due and expiry times are compared with; in a replay, the replay's. */
  readonly clock: Clock
  readonly metrics: Metrics
  readonly timer?: Timer
  /** Monotonic milliseconds that measure how long a warm takes; `performance.now` unless given. */
  readonly now?: () => number
  readonly spans?: Spans
  /** The topic that requests come from, as their spans name it. */
  readonly topic?: string
  readonly acceptReplays?: boolean
  /** The most pairs that may wait; 100,000 unless given. */
  readonly maxWaitingPairs?: number
  /** The number of request ids that are remembered, so that a request is served once; 10,000 unless given. */
  readonly rememberedIds?: number
  /** Tells the triggers of two strategies apart. */
  readonly arms?: Pick<Arms, 'cellOfNames'> | undefined
  /** The longest time that a request is held for its `notBeforeMs`; ten minutes unless given. */
  readonly maxHoldMs?: number
}

/** The most pairs that may wait, unless given. */
export const MAX_WAITING_PAIRS = 100_000
const REMEMBERED_IDS = 10_000
/** The longest time that a request is held, unless given. */
export const MAX_HOLD_MS = 600_000
/** Trips to L2 in flight at once. A slow one must not delay a critical request, and more would only share Redis. */
const MAX_TRIPS = 4
const PAIRS_A_TRIP = 1_000
/** The assumed duration of a warm before the first was measured. */
const FIRST_TYPICAL_MS = 5
const TYPICAL_WEIGHT = 1 / 32

/** The life of a request: it is admitted, held until it is due, waits its turn, is promoted and answered. */
export class Warmer {
  readonly #options: WarmerOptions
  readonly #admissions: Admissions
  readonly #backlog: Backlog<WarmJob>
  readonly #counts: WarmCounts
  readonly #spans: Spans
  readonly #now: () => number
  readonly #trips = new InFlight()
  readonly #waiting: (() => void)[] = []
  readonly #nextRelease: Alarm
  /** How long a warm takes from when it is due, in milliseconds: a moving average. */
  typicalMs = FIRST_TYPICAL_MS
  #timedForMs = Number.POSITIVE_INFINITY
  /** The warms of a request that a strategy chose belong to its trigger's cell. */
  readonly #kindOf = ({ request }: WarmJob) => {
    const { chain, triggerPair } = request
    const cell = triggerPair === undefined ? 0 : (this.#options.arms?.cellOfNames(chain, triggerPair) ?? 0)
    return warmCode(warmKindOf(request), cell)
  }
  #pumping = false
  #closed = false

  constructor(options: WarmerOptions) {
    const { service = DEFAULT_SERVICE, table, isInterested, acceptReplays = false } = options
    const { rememberedIds = REMEMBERED_IDS, maxHoldMs = MAX_HOLD_MS, maxWaitingPairs = MAX_WAITING_PAIRS } = options
    this.#options = options
    this.#admissions = new Admissions({
      service,
      table,
      isInterested,
      acceptReplays,
      rememberedIds,
      maxHoldMs,
      offBecause: () => offBecause(options),
    })
    this.#backlog = new Backlog(maxWaitingPairs)
    this.#counts = new WarmCounts(options.metrics)
    this.#spans = options.spans ?? new Spans()
    this.#nextRelease = new Alarm(() => {
      this.#timedForMs = Number.POSITIVE_INFINITY
      this.releaseDue()
    }, options.timer)
    this.#now = options.now ?? (() => performance.now())
  }

  /**
   * Resolves to the result, or to undefined if the node stays silent: the request is none of its own, was served
   * before or made by a replay, or the warmer is closed. `trace` came with the request from its topic; a request
   * without one was made by the node itself.
   */
  async submit(request: WarmRequest, trace?: Context): Promise<WarmResult | undefined> {
    if (this.#closed) {
      this.#counts.countRefusal(request.chain, 'closed')
      return undefined
    }
    const admission = this.#admissions.decide(request, this.#options.clock.now())
    if (admission.admitted) return this.#accept(request, admission.pairIds, trace)
    const refusal = this.#refuse(request, admission.reason)
    return admission.answered ? refusal : undefined
  }

  /** A manual warm: it is served whether or not the pairs concern this node, and before everything else. */
  async warmPairs(chain: string, pairs: readonly string[]): Promise<WarmResult> {
    const issuedAtMs = this.#options.clock.now()
    const origin = { origin: 'manual', priority: 'critical' } as const
    const request: WarmRequest = { v: 1, requestId: randomUUID(), chain, pairs, ...origin, issuedAtMs }
    const off = this.#closed ? 'closed' : offBecause(this.#options)
    if (off !== undefined) return this.#refuse(request, off)
    return this.#accept(request, this.#admissions.allOf(chain, pairs))
  }

  /** Resolves when the backlog is within its bound. The source of requests must await it between them. */
  room(): Promise<void> {
    if (!this.#backlog.overfull) return Promise.resolve()
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiting.push(resolve)
    return promise
  }

  /** Starts the requests that are due. The timer calls it; whoever moves a virtual clock must call it too. */
  releaseDue(): void {
    const nowMs = this.#options.clock.now()
    for (const job of this.#backlog.release(nowMs)) {
      job.startedAtMs = this.#now()
      job.lateMs = nowMs - job.dueMs
    }
    this.#pump()
    this.#setTimer()
  }

  stats(): WarmerStats {
    const { byStatus, byKind, refusals, pairs, totalDurationMs, trips, coalescedPairs } = this.#counts
    return {
      byStatus: { ...byStatus },
      byKind: byKind.map((counts) => ({ ...counts })),
      refusals: { ...refusals },
      ...pairs,
      totalDurationMs,
      trips,
      coalescedPairs,
      waitingRequests: this.#backlog.requests,
      heldRequests: this.#backlog.held,
      waitingPairs: this.#backlog.pairs,
    }
  }

  /** Refuses the requests that wait, and resolves when those in flight are done. May be called twice. */
  async close(): Promise<void> {
    this.#closed = true
    this.#nextRelease.close()
    for (const job of this.#backlog.drain()) this.#drop(job, 'closed')
    this.#letIn()
    await this.#trips.settled()
  }

  #accept(request: WarmRequest, pairIds: readonly number[], trace?: Context): Promise<WarmResult> {
    const { promise, resolve: settle, reject: fail } = Promise.withResolvers<WarmResult>()
    const { topic = 'warm-requests' } = this.#options
    const span = trace === undefined ? this.#spans.warm(request) : this.#spans.process(topic, request, trace)
    const nowMs = this.#options.clock.now()
    const job: WarmJob = {
      request,
      pairIds,
      rank: PRIORITIES.indexOf(request.priority),
      dueMs: request.notBeforeMs ?? nowMs,
      heapIndex: -1,
      span,
      trace: contextUnder(span, trace ?? ROOT_CONTEXT),
      startedAtMs: this.#now(),
      lateMs: 0,
      settle,
      fail,
    }
    const letGo = () => this.#options.table.holds.letGo(pairIds)
    void promise.then(letGo, letGo)
    for (const shed of this.#backlog.add(job, nowMs)) this.#drop(shed, 'shed')
    this.#pump()
    this.#setTimer()
    return promise
  }

  /** Trips start in a microtask, so that requests submitted together share a trip. */
  #pump(): void {
    if (this.#pumping) return
    this.#pumping = true
    queueMicrotask(() => {
      this.#pumping = false
      while (this.#trips.size < MAX_TRIPS) {
        const jobs = this.#backlog.take(PAIRS_A_TRIP)
        if (jobs.length === 0) break
        this.#start(jobs)
      }
      this.#letIn()
    })
  }

  #start(jobs: readonly WarmJob[]): void {
    const nowMs = this.#options.clock.now()
    const live = jobs.filter((job) => (job.request.expiresAtMs ?? Number.POSITIVE_INFINITY) > nowMs)
    for (const job of jobs) if (!live.includes(job)) this.#drop(job, 'expired')
    const off = offBecause(this.#options)
    if (off !== undefined) for (const job of live.splice(0)) this.#drop(job, off)
    for (const part of governed(live, this.#options))
      if (part.jobs.length > 0) void this.#trips.add(this.#promote(part)).finally(() => this.#pump())
  }

  async #promote({ jobs, promotion, isShadow }: Governed): Promise<void> {
    const trip = planTrip(jobs, this.#kindOf)
    this.#counts.trip(trip.coalesced)
    const dryRun = !isShadow && jobs[0]?.request.dryRun === true
    try {
      const promoted = await promotion.promote(trip.pairIds, {
        dryRun,
        kindIndexOf: (pairId) => trip.kinds[trip.places.get(pairId) ?? 0] ?? 0,
        traces: jobs.map((job) => job.trace),
      })
      if (!isShadow && !dryRun) this.#options.shadow?.warmed(trip.pairIds, trip.kinds)
      for (const job of jobs)
        this.#finish(job, outcomesOf(job, trip, promoted), { timedOut: promoted.timedOut, isShadow })
    } catch (error) {
      for (const job of jobs) {
        endFailed(job.span, String(error))
        job.fail(error)
      }
    }
  }

  #finish(job: WarmJob, outcomes: Parameters<typeof answer>[1], how: Pick<AnswerFacts, 'timedOut' | 'isShadow'>): void {
    const durationMs = this.#now() - job.startedAtMs
    const facts = { node: this.#options.nodeId, ...how, durationMs, atMs: this.#options.clock.now() }
    const result = answer(job.request, outcomes, facts)
    this.#counts.finished(job.request, result)
    // If all pairs were in L1 already, nothing was warmed whose duration could be measured.
    const hasWarmed = outcomes.some((outcome) => outcome === 'warmed')
    if (hasWarmed && !how.timedOut) this.typicalMs += (job.lateMs + durationMs - this.typicalMs) * TYPICAL_WEIGHT
    job.span.setAttribute('forewarm.status', result.status)
    if (result.status === 'failed' || result.status === 'timeout') endFailed(job.span, result.status)
    else job.span.end()
    job.settle(result)
  }

  #drop(job: WarmJob, reason: WarmRefusal): void {
    endFailed(job.span, reason)
    job.settle(this.#refuse(job.request, reason))
  }

  #refuse(request: WarmRequest, reason: WarmRefusal): WarmResult {
    this.#counts.countRefusal(request.chain, reason)
    return refusalAnswer(request, { node: this.#options.nodeId, reason, atMs: this.#options.clock.now() })
  }

  #letIn(): void {
    if (!this.#backlog.overfull) for (const letIn of this.#waiting.splice(0)) letIn()
  }

  #setTimer(): void {
    const nextDueMs = this.#backlog.nextDueMs ?? Number.POSITIVE_INFINITY
    if (nextDueMs === this.#timedForMs) return
    this.#timedForMs = nextDueMs
    this.#nextRelease.clear()
    if (nextDueMs === Number.POSITIVE_INFINITY) return
    // At least a millisecond: with a clock that stands still, this would be a busy loop.
    this.#nextRelease.set(Math.max(1, nextDueMs - this.#options.clock.now()))
  }
}
