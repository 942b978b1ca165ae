import { randomUUID } from 'node:crypto'
import { type Context, ROOT_CONTEXT } from '@opentelemetry/api'
import { PRIORITIES, type WarmRequest } from '../../schemas/warm-request.ts'
import type { WarmResult } from '../../schemas/warm-result.ts'
import type { PairTable } from '../cache/names/pair-table.ts'
import type { Promotion } from '../cache/promotion.ts'
import type { Clock } from '../clock.ts'
import type { Metrics } from '../telemetry/slab.ts'
import { contextUnder, endFailed, Spans } from '../telemetry/spans.ts'
import { systemTimer, type Timer } from '../timer.ts'
import { Admissions, type WarmRefusal } from './admission.ts'
import { Backlog } from './backlog.ts'
import { outcomesOf, planTrip } from './trip.ts'
import { answer, refusalAnswer } from './warm-answer.ts'
import { WarmCounts, type WarmerStats } from './warm-counts.ts'
import type { WarmJob } from './warm-job.ts'

export interface WarmerOptions {
  /** Names this node in its results. */
  readonly nodeId: string
  readonly table: PairTable
  /** Whether this node has to do with the pair: its chain is assigned here, or a detector reads it. */
  readonly isInterested: (chain: string, pair: string) => boolean
  readonly promotion: Pick<Promotion, 'promote'>
  /** What due and expiry times are compared with: the replay's clock, in a replay. */
  readonly clock: Clock
  readonly metrics: Metrics
  readonly timer?: Timer
  /** Monotonic milliseconds, by which what a warm takes is measured; `performance.now` unless given. */
  readonly now?: () => number
  readonly spans?: Spans
  /** The topic that requests come from; for their spans. */
  readonly topic?: string
  readonly acceptReplays?: boolean
  /** Pairs that may wait; 100,000 unless given. */
  readonly maxWaitingPairs?: number
  /** Request ids remembered, so that a request handed in twice is served once; 10,000 unless given. */
  readonly rememberedIds?: number
  /** The longest that a request is held for its `notBeforeMs`; ten minutes unless given. */
  readonly maxHoldMs?: number
}

export interface Warmer {
  /**
   * Resolves to what this node made of the request, or to nothing where it has nothing to do with it (of no interest
   * here, served before, made by a replay, closed). `trace` is the one that came with the request from its topic; without
   * one, the node asks itself.
   */
  submit(request: WarmRequest, trace?: Context): Promise<WarmResult | undefined>
  /** By hand: of interest because somebody here asks, and before everything else. */
  warmPairs(chain: string, pairs: readonly string[]): Promise<WarmResult>
  /** Resolves when the backlog is within its bound: to be awaited between requests, so that their source waits. */
  room(): Promise<void>
  /** Starts what is due by the clock. The timer does that; where the clock is moved by hand, whoever moves it does. */
  releaseDue(): void
  stats(): WarmerStats
  /** What a warm takes from when it is due, in milliseconds; the last ones weigh most. */
  readonly typicalMs: number
  /** Refuses what waits, and resolves when what is under way is done. Twice is once. */
  close(): Promise<void>
}

/** Pairs that may wait, unless a node is told otherwise. */
export const MAX_WAITING_PAIRS = 100_000
const REMEMBERED_IDS = 10_000
/** The longest that a request is held, unless a node is told otherwise. */
export const MAX_HOLD_MS = 600_000
/** Trips to L2 at a time: a slow one must not hold up a critical request, and more of them only share Redis. */
const MAX_TRIPS = 4
const PAIRS_A_TRIP = 1_000
/** Before the first warm. */
const FIRST_TYPICAL_MS = 5
const TYPICAL_WEIGHT = 1 / 32

export function createWarmer(options: WarmerOptions): Warmer {
  return new RequestWarmer(options)
}

/** A request's life on this node: admitted, held until it is due, in turn by priority, promoted with others, answered. */
class RequestWarmer implements Warmer {
  readonly #options: WarmerOptions
  readonly #admissions: Admissions
  readonly #backlog: Backlog
  readonly #counts: WarmCounts
  readonly #spans: Spans
  readonly #timer: Timer
  readonly #now: () => number
  readonly #trips = new Set<Promise<void>>()
  readonly #waiting: (() => void)[] = []
  #cancelTimer: (() => void) | undefined
  typicalMs = FIRST_TYPICAL_MS
  #timedForMs = Number.POSITIVE_INFINITY
  #pumping = false
  #closed = false

  constructor(options: WarmerOptions) {
    const { table, isInterested, acceptReplays = false } = options
    const { rememberedIds = REMEMBERED_IDS, maxHoldMs = MAX_HOLD_MS, maxWaitingPairs = MAX_WAITING_PAIRS } = options
    this.#options = options
    this.#admissions = new Admissions({ table, isInterested, acceptReplays, rememberedIds, maxHoldMs })
    this.#backlog = new Backlog(maxWaitingPairs)
    this.#counts = new WarmCounts(options.metrics)
    this.#spans = options.spans ?? new Spans()
    this.#timer = options.timer ?? systemTimer
    this.#now = options.now ?? (() => performance.now())
  }

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

  async warmPairs(chain: string, pairs: readonly string[]): Promise<WarmResult> {
    const issuedAtMs = this.#options.clock.now()
    const origin = { origin: 'manual', priority: 'critical' } as const
    const request: WarmRequest = { v: 1, requestId: randomUUID(), chain, pairs, ...origin, issuedAtMs }
    if (this.#closed) return this.#refuse(request, 'closed')
    return this.#accept(request, this.#admissions.allOf(chain, pairs))
  }

  room(): Promise<void> {
    if (!this.#backlog.overfull) return Promise.resolve()
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiting.push(resolve)
    return promise
  }

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
    const { byStatus, refusals, pairs, totalDurationMs, trips, coalescedPairs } = this.#counts
    return {
      byStatus: { ...byStatus },
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

  async close(): Promise<void> {
    this.#closed = true
    this.#cancelTimer?.()
    for (const job of this.#backlog.drain()) this.#drop(job, 'closed')
    this.#letIn()
    await Promise.all(this.#trips)
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
    for (const shed of this.#backlog.add(job, nowMs)) this.#drop(shed, 'shed')
    this.#pump()
    this.#setTimer()
    return promise
  }

  /** Trips start in a microtask, so that requests handed in together travel together. */
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
    if (live.length === 0) return
    const trip = this.#promote(live).finally(() => {
      this.#trips.delete(trip)
      this.#pump()
    })
    this.#trips.add(trip)
  }

  async #promote(jobs: readonly WarmJob[]): Promise<void> {
    const trip = planTrip(jobs)
    this.#counts.trip(trip.coalesced)
    const dryRun = jobs[0]?.request.dryRun === true
    try {
      const promoted = await this.#options.promotion.promote(trip.pairIds, {
        dryRun,
        kindOf: (pairId) => trip.kinds[trip.places.get(pairId) ?? 0] ?? 0,
        traces: jobs.map((job) => job.trace),
      })
      for (const job of jobs) this.#finish(job, outcomesOf(job, trip, promoted), promoted.timedOut)
    } catch (error) {
      for (const job of jobs) {
        endFailed(job.span, String(error))
        job.fail(error)
      }
    }
  }

  #finish(job: WarmJob, outcomes: Parameters<typeof answer>[1], timedOut: boolean): void {
    const durationMs = this.#now() - job.startedAtMs
    const facts = { node: this.#options.nodeId, timedOut, durationMs, atMs: this.#options.clock.now() }
    const result = answer(job.request, outcomes, facts)
    this.#counts.finished(job.request, result)
    // Where all was there, there was no warm.
    const hasWarmed = outcomes.some((outcome) => outcome === 'warmed')
    if (hasWarmed && !timedOut) this.typicalMs += (job.lateMs + durationMs - this.typicalMs) * TYPICAL_WEIGHT
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
    return refusalAnswer(request, { node: this.#options.nodeId, atMs: this.#options.clock.now() })
  }

  #letIn(): void {
    if (!this.#backlog.overfull) for (const letIn of this.#waiting.splice(0)) letIn()
  }

  #setTimer(): void {
    const nextDueMs = this.#backlog.nextDueMs ?? Number.POSITIVE_INFINITY
    if (nextDueMs === this.#timedForMs) return
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    this.#timedForMs = nextDueMs
    if (nextDueMs === Number.POSITIVE_INFINITY || this.#closed) return
    // A millisecond at least: a clock that stands still must not make a busy loop of this.
    this.#cancelTimer = this.#timer(Math.max(1, nextDueMs - this.#options.clock.now()), () => {
      this.#timedForMs = Number.POSITIVE_INFINITY
      this.releaseDue()
    })
  }
}
