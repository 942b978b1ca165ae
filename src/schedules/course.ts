import { type EndedWarms, type Judgement, Throttle, TRY_EVERY } from '../strategy/throttle.ts'
import { gapAfter, type Timing } from './timing.ts'

/** What is to run, and when. */
export interface Timed {
  readonly name: string
  readonly timing: Timing
  /** Runs when the service starts, too. */
  readonly atStart?: boolean
}

/** The last run of a schedule that is known. A run that is `begun` may have ended with its engine. */
export interface RunRecord {
  readonly scheduledMs: number
  readonly state: 'begun' | 'done'
}

/** Nodes of a service start within so long of each other. */
const START_MS = 300_000
/** A slowed schedule still runs once a week: what does not pay today may pay then. */
const WEEK_MS = 604_800_000
/**
 * A warm for an hour to come stays until then, in the place of a pair that is mostly read again, too. So it has to
 * be read more often than that, or it costs hits (docs/prediction-figures.md).
 */
const JUDGEMENT: Judgement = { tooFew: 0.7, enough: 0.75, window: 50 }
const NO_RUN: RunRecord = { scheduledMs: 0, state: 'done' }

export interface CourseOptions {
  readonly graceMs: number
  /** What became of the schedule's warms; undefined if that does not slow it down. */
  readonly ended?: (() => EndedWarms) | undefined
  /** The last run by any engine of the service. */
  readonly lastRun: () => RunRecord | undefined
}

/** One schedule's way through time: which of its runs are due, and which it leaves out. */
export class Course {
  readonly #timing: Timing
  readonly #isAtStart: boolean
  readonly #options: CourseOptions
  readonly #throttle: Throttle | undefined
  #startedMs = 0
  #seenMs = 0
  /** The first time after #seenMs: it takes 30 to 60 µs to find. */
  #upcomingMs: number | undefined
  #own: RunRecord | undefined
  /** Times that came and went while nobody could run, as while the machine slept; a stretch of them counts once. */
  missed = 0

  constructor({ timing, atStart = false }: Timed, options: CourseOptions) {
    this.#timing = timing
    this.#isAtStart = atStart
    this.#options = options
    this.#throttle = options.ended && new Throttle(options.ended, JUDGEMENT)
  }

  /** The share of its warms that were read, if that is so small that it is slowed down. */
  get slowedAt(): number | undefined {
    return this.#throttle?.isThrottled ? this.#throttle.accuracy : undefined
  }

  /** Earlier runs are none of its own. */
  start(nowMs: number): void {
    this.#startedMs = nowMs
    this.#see(nowMs)
    this.#own = undefined
  }

  note(record: RunRecord): void {
    if (record.scheduledMs >= (this.#own?.scheduledMs ?? 0)) this.#own = record
  }

  /** The run that has become due since the last call, if it is not too late for it. */
  due(nowMs: number): number | undefined {
    this.#throttle?.judge()
    const firstMs = this.#upcomingMs
    if (firstMs === undefined || firstMs > nowMs) return undefined
    const latestMs = this.#latest(this.#seenMs, nowMs)
    if (latestMs !== firstMs || !this.#isInGrace(latestMs, nowMs)) this.missed++
    this.#see(nowMs)
    return this.#isToRun(latestMs, nowMs) ? latestMs : undefined
  }

  /** The run that an engine has to make up when it begins to lead: one that nobody is known to have ended. */
  toMakeUp(nowMs: number): number | undefined {
    const last = this.#last()
    if (this.#isAtStart && nowMs - this.#startedMs <= START_MS) {
      if (last === undefined || last.scheduledMs < this.#startedMs - START_MS) return this.#startedMs
      if (last.state === 'begun') return last.scheduledMs
    }
    const latestMs = this.#latest(this.#startedMs, nowMs)
    return this.#isToRun(latestMs, nowMs) ? latestMs : undefined
  }

  /** The next run that will not be left out. */
  next(nowMs: number): number | undefined {
    const isUpcoming = this.#upcomingMs !== undefined && this.#upcomingMs > nowMs
    const nextMs = isUpcoming ? this.#upcomingMs : this.#timing.next(Math.max(nowMs, this.#seenMs))
    if (nextMs === undefined || !this.#isSlowed(nextMs)) return nextMs
    return this.#timing.next(this.#slowedUntil(nextMs) - 1)
  }

  /** When `due` is to be asked again. */
  nextLook(): number | undefined {
    return this.#upcomingMs
  }

  #see(nowMs: number): void {
    this.#seenMs = nowMs
    this.#upcomingMs = this.#timing.next(nowMs)
  }

  /** The last run up to now. Looks no further back than the grace time. */
  #latest(afterMs: number, nowMs: number): number | undefined {
    let latestMs: number | undefined
    let nextMs = this.#timing.next(Math.max(afterMs, nowMs - this.#options.graceMs - 1))
    while (nextMs !== undefined && nextMs <= nowMs) {
      latestMs = nextMs
      nextMs = this.#timing.next(nextMs)
    }
    return latestMs
  }

  #isToRun(runMs: number | undefined, nowMs: number): runMs is number {
    if (runMs === undefined || !this.#isInGrace(runMs, nowMs) || this.#isSlowed(runMs)) return false
    const { scheduledMs, state } = this.#last() ?? NO_RUN
    return scheduledMs < runMs || (scheduledMs === runMs && state === 'begun')
  }

  #isInGrace(runMs: number, nowMs: number): boolean {
    return nowMs - runMs <= Math.min(this.#options.graceMs, gapAfter(this.#timing, runMs) / 2)
  }

  #isSlowed(runMs: number): boolean {
    return this.slowedAt !== undefined && runMs < this.#slowedUntil(runMs)
  }

  /** It runs as seldom as a throttled kind of warms is tried. */
  #slowedUntil(runMs: number): number {
    const last = this.#last()
    // The run itself may have been begun before.
    if (last === undefined || last.scheduledMs >= runMs) return 0
    return last.scheduledMs + Math.min(TRY_EVERY * gapAfter(this.#timing, runMs), WEEK_MS)
  }

  #last(): RunRecord | undefined {
    const [own, known] = [this.#own, this.#options.lastRun()]
    if (own === undefined || known === undefined) return own ?? known
    if (own.scheduledMs !== known.scheduledMs) return own.scheduledMs > known.scheduledMs ? own : known
    return own.state === 'done' ? own : known
  }
}
