import { Alarm } from '../alarm.ts'
import type { Clock } from '../clock.ts'
import type { EndedWarms } from '../strategy/throttle.ts'
import type { Timer } from '../timer.ts'
import { Course, type RunRecord, type Timed } from './course.ts'
import { MINUTE_MS } from './timing.ts'

/** A run that is over. `late`: it took too long. `stopped`: the engine stopped, or another one leads. */
export interface EndedRun<S, R> {
  readonly schedule: S
  readonly scheduledMs: number
  readonly startedMs: number
  readonly endedMs: number
  readonly outcome: 'done' | 'failed' | 'late' | 'stopped'
  /** What `run` resolved to, if it is done. */
  readonly result?: R
  /** Why it failed. */
  readonly error?: unknown
}

export interface EngineOptions<S extends Timed, R> {
  readonly schedules: readonly S[]
  readonly clock: Clock
  readonly timer?: Timer
  /** Carries a run out. Name and time identify it: one that is made up has the time that it was scheduled for. */
  run(schedule: S, scheduledMs: number, signal: AbortSignal): Promise<R>
  /** One engine of several leads: nothing runs before `lead`. Otherwise the engine leads from its start. */
  readonly elected?: boolean
  /** The last run of a schedule that any engine of the service began. */
  lastRun?(schedule: S): RunRecord | undefined
  /** What became of a schedule's warms since the start. One whose warms nobody reads runs more seldom. */
  ended?(schedule: S): EndedWarms
  /** A run that is later than this, or than half the time to the next one, is left out. Default: a minute. */
  readonly graceMs?: number
  /** The longest time that a run may take. Default: ten minutes. */
  readonly maxRunMs?: number
  onEnded?(ended: EndedRun<S, R>): void
  /** A schedule is slowed down as only this share of its warms was read, or no longer if undefined. */
  onSlowed?(schedule: S, accuracy: number | undefined): void
}

/** How one schedule goes. */
export interface ScheduleStatus<S, R> {
  readonly schedule: S
  readonly nextMs: number | undefined
  readonly isRunning: boolean
  readonly last: EndedRun<S, R> | undefined
  /** The share of its warms that were read, if it is slowed down for it. */
  readonly slowedAt: number | undefined
  /** Runs that were left out as the one before still ran. */
  readonly overlapped: number
  /** Runs that nobody could begin in time, as while the machine slept; several after each other count as one. */
  readonly missed: number
}

interface Running {
  readonly untilMs: number
  end(outcome: 'late' | 'stopped'): void
}

interface Entry<S, R> {
  readonly schedule: S
  readonly course: Course
  isSlowed: boolean
  running: Running | undefined
  last: EndedRun<S, R> | undefined
  overlapped: number
}

/** The clock may be set, or the machine sleep, while a timer waits. */
const LOOK_MS = MINUTE_MS
const MAX_RUN_MS = 600_000

/** Runs schedules at their times, each of them once at a time. */
export class ScheduleEngine<S extends Timed, R> {
  readonly #options: EngineOptions<S, R>
  readonly #entries: readonly Entry<S, R>[]
  readonly #alarm: Alarm
  #isStarted = false
  #isLeading = false

  constructor(options: EngineOptions<S, R>) {
    this.#options = options
    const { graceMs = MINUTE_MS } = options
    this.#entries = options.schedules.map((schedule) => {
      const ended = options.ended && (() => options.ended?.(schedule) ?? { used: 0, unused: 0 })
      const course = new Course(schedule, { graceMs, ended, lastRun: () => options.lastRun?.(schedule) })
      return { schedule, course, isSlowed: false, running: undefined, last: undefined, overlapped: 0 }
    })
    this.#alarm = new Alarm(() => this.#look(), options.timer)
  }

  get isLeading(): boolean {
    return this.#isLeading
  }

  /** Keeps time from now on. Unless a leader is elected, it also runs what is due. May be called twice. */
  start(): void {
    if (this.#isStarted) return
    this.#isStarted = true
    const nowMs = this.#options.clock.now()
    for (const { course } of this.#entries) course.start(nowMs)
    if (this.#options.elected !== true) this.lead()
    this.#wait()
  }

  /** Runs what is due from now on, and makes up what the leader before began or missed. */
  lead(): void {
    if (!this.#isStarted || this.#isLeading) return
    this.#look()
    this.#isLeading = true
    const nowMs = this.#options.clock.now()
    for (const entry of this.#entries) {
      const scheduledMs = entry.course.toMakeUp(nowMs)
      if (scheduledMs !== undefined) this.#begin(entry, scheduledMs)
    }
    this.#wait()
  }

  /** Another engine leads. What runs here is stopped. */
  follow(): void {
    this.#isLeading = false
    for (const { running } of this.#entries) running?.end('stopped')
  }

  /** Stops what runs. The engine may be started again. */
  stop(): void {
    this.#isStarted = false
    this.#alarm.clear()
    this.follow()
  }

  /** When each schedule runs next, milliseconds since 1970, by name. */
  nextRuns(): Readonly<Record<string, number>> {
    const nowMs = this.#options.clock.now()
    const runs = this.#entries.map(({ schedule, course }) => [schedule.name, course.next(nowMs)] as const)
    return Object.fromEntries(runs.filter((each): each is [string, number] => each[1] !== undefined))
  }

  status(): readonly ScheduleStatus<S, R>[] {
    const nowMs = this.#options.clock.now()
    return this.#entries.map(({ schedule, course, running, last, overlapped }) => ({
      ...{ schedule, last, overlapped, missed: course.missed, slowedAt: course.slowedAt },
      ...{ nextMs: course.next(nowMs), isRunning: running !== undefined },
    }))
  }

  #look(): void {
    const nowMs = this.#options.clock.now()
    for (const entry of this.#entries) {
      if (entry.running !== undefined && nowMs >= entry.running.untilMs) entry.running.end('late')
      const scheduledMs = entry.course.due(nowMs)
      this.#tellSlowed(entry)
      if (scheduledMs !== undefined && this.#isLeading) this.#begin(entry, scheduledMs)
    }
    this.#wait()
  }

  #tellSlowed(entry: Entry<S, R>): void {
    const { slowedAt } = entry.course
    if (entry.isSlowed === (slowedAt !== undefined)) return
    entry.isSlowed = slowedAt !== undefined
    this.#options.onSlowed?.(entry.schedule, slowedAt)
  }

  #wait(): void {
    if (!this.#isStarted) return
    const nowMs = this.#options.clock.now()
    const looks = this.#entries.flatMap(({ course, running }) => [course.nextLook(), running?.untilMs])
    const nextMs = Math.min(nowMs + LOOK_MS, ...looks.filter((each) => each !== undefined))
    this.#alarm.set(Math.max(1, nextMs - nowMs))
  }

  #begin(entry: Entry<S, R>, scheduledMs: number): void {
    if (entry.running !== undefined) {
      entry.overlapped++
      return
    }
    const { schedule, course } = entry
    const { clock, maxRunMs = MAX_RUN_MS } = this.#options
    const startedMs = clock.now()
    const stopping = new AbortController()
    const end = (how: Pick<EndedRun<S, R>, 'outcome' | 'result' | 'error'>): void => {
      if (entry.running !== running) return
      entry.running = undefined
      if (how.outcome === 'late' || how.outcome === 'stopped') stopping.abort()
      if (how.outcome !== 'stopped') course.note({ scheduledMs, state: 'done' })
      entry.last = { schedule, scheduledMs, startedMs, endedMs: clock.now(), ...how }
      this.#options.onEnded?.(entry.last)
    }
    const running: Running = { untilMs: startedMs + maxRunMs, end: (outcome) => end({ outcome }) }
    entry.running = running
    course.note({ scheduledMs, state: 'begun' })
    this.#carryOut(entry, scheduledMs, stopping.signal).then(
      (result) => end({ outcome: 'done', result }),
      (error) => end({ outcome: 'failed', error }),
    )
  }

  /** What `run` throws at once is taken as a rejection. */
  async #carryOut({ schedule }: Entry<S, R>, scheduledMs: number, signal: AbortSignal): Promise<R> {
    return this.#options.run(schedule, scheduledMs, signal)
  }
}
