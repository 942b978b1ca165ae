import type { RunResult, ScheduleRun } from '../../schemas/control/schedule-run.ts'
import { Alarm } from '../../src/alarm.ts'
import type { Broker, BrokerEvent } from '../../src/broker/port.ts'
import type { Check } from '../../src/http/operations.ts'
import { InFlight } from '../../src/in-flight.ts'
import { type EndedRun, ScheduleEngine } from '../../src/schedules/engine.ts'
import type { WarmSchedule } from '../../src/schedules/schedule.ts'
import type { LastRun, ScheduleFacts, SchedulesStatus } from '../../src/schedules/status.ts'
import type { EndedWarms } from '../../src/strategy/throttle.ts'
import type { Log } from '../../src/telemetry/log.ts'
import type { Metrics } from '../../src/telemetry/slab.ts'
import { inTime } from '../../src/timer.ts'
import { Leadership } from './leadership.ts'
import type { RunKey, RunLog } from './run-log.ts'
import { type DueRun, isOpen, type RunOptions, Runs } from './schedule-run.ts'

export interface NodeSchedulesOptions extends Omit<RunOptions, 'isLeading' | 'log'> {
  readonly broker: Broker
  readonly topic: string
  readonly schedules: readonly WarmSchedule[]
  readonly runLog: RunLog
  /** What became of the warms of this schedule's strategies on this node. */
  readonly ended: (schedule: WarmSchedule) => EndedWarms
  readonly metrics: Metrics
  readonly log: Log
  readonly onEvent: (event: BrokerEvent) => void
}

type Ended = EndedRun<WarmSchedule, readonly RunResult[]>

/** The group, or the topic, is tried again so often. */
const RETRY_MS = 5_000
const READ_MS = 10_000
/** A leader that is deposed in order ends what it is sending. */
const HAND_OVER_MS = 2_000

/**
 * The schedules of a service on one of its nodes. All nodes know the same times; the leader carries the runs out. Whoever
 * is elected reads first what was begun before, and makes up what its predecessor has left.
 */
export class NodeSchedules {
  readonly #options: NodeSchedulesOptions
  readonly #engine: ScheduleEngine<WarmSchedule, readonly RunResult[]>
  readonly #leadership: Leadership
  readonly #runs: Runs
  readonly #retry: Alarm
  readonly #sending = new InFlight()
  readonly #asked = new InFlight()
  #term = new AbortController()
  #isClosed = false
  #isMember = false
  #trouble: string | undefined
  #cycles = 0

  constructor(options: NodeSchedulesOptions) {
    this.#options = options
    const { runLog, schedules, clock, timer, ended, graceMs, maxTaskMs } = options
    this.#leadership = new Leadership({
      ...options,
      onElected: () => void this.#takeOver(),
      onDeposed: (isLost) => this.#handOver(isLost),
    })
    this.#runs = new Runs({ ...options, log: runLog, isLeading: () => this.#leadership.isLeading })
    this.#engine = new ScheduleEngine({
      ...{ schedules, clock, ended, graceMs, elected: true, ...(timer && { timer }) },
      maxRunMs: maxTaskMs + READ_MS,
      lastRun: ({ name }) => recordOf(runLog.last({ kind: 'scheduled', schedule: name })),
      run: (schedule, scheduledMs, signal) =>
        this.#carryOut({ key: { kind: 'scheduled', schedule: schedule.name }, schedule, scheduledMs, signal }),
      onEnded: (run) => this.#tell(run),
      onSlowed: (schedule, accuracy) => this.#tellSlowed(schedule, accuracy),
    })
    this.#retry = new Alarm(() => void this.#join(), timer)
    this.#observe()
    options.metrics.observe('schedules_leading', {}, () => (this.#leadership.isLeading ? 1 : 0))
  }

  /** Resolves when the group is joined, or could not be for now. Never rejects. */
  async start(): Promise<void> {
    this.#options.runLog.onRun = (key, run) => this.#heard(key, run)
    this.#engine.start()
    await this.#join()
  }

  /** Lets another node lead. May be called twice. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#retry.close()
    await this.#leadership.stop()
    this.#engine.stop()
    this.#term.abort(new Error('closed'))
    await this.#asked.settled()
  }

  check(): Check {
    const name = 'schedules'
    return this.#trouble === undefined ? { name, status: 'ok' } : { name, status: 'degraded', reason: this.#trouble }
  }

  status(): SchedulesStatus {
    return {
      isRunning: this.#isMember && !this.#isClosed,
      isLeading: this.#leadership.isLeading,
      reason: this.#trouble,
      cycles: this.#cycles,
      schedules: this.#engine.status().map(({ schedule, nextMs, slowedAt, overlapped, missed }): ScheduleFacts => {
        const { name, timing, asks } = schedule
        const strategies = asks.map(({ strategy }) => strategy)
        return { name, words: timing.words, strategies, nextMs, last: this.#lastOf(name), slowedAt, overlapped, missed }
      }),
    }
  }

  #observe(): void {
    const { metrics, schedules } = this.#options
    for (const { name: schedule } of schedules) {
      metrics.observe('schedule_next_run_timestamp_seconds', { schedule }, () => {
        const found = this.#engine.status().find((each) => each.schedule.name === schedule)
        return found?.nextMs === undefined ? Number.NaN : found.nextMs / 1000
      })
      metrics.observe('schedule_last_run_timestamp_seconds', { schedule }, () => {
        const last = this.#lastOf(schedule)
        return last === undefined ? Number.NaN : last.scheduledMs / 1000
      })
    }
  }

  async #join(): Promise<void> {
    const { log, topic } = this.#options
    try {
      await this.#leadership.start()
      this.#isMember = true
      this.#trouble = undefined
    } catch (error) {
      if (this.#isClosed) return
      const reason = error instanceof Error ? error.message : String(error)
      const trouble = `no leader can be elected here: ${reason}`
      if (trouble !== this.#trouble) log.warn({ topic, reason }, 'schedules do not run on this node')
      this.#trouble = trouble
      this.#retry.set(RETRY_MS)
    }
  }

  /** What is not known of the term before cannot be made up, so that it is read to its end first. */
  async #takeOver(): Promise<void> {
    this.#term = new AbortController()
    const { signal } = this.#term
    const { runLog, log } = this.#options
    while (!signal.aborted)
      try {
        await runLog.readToEnd(AbortSignal.any([signal, AbortSignal.timeout(READ_MS)]))
        break
      } catch (error) {
        if (!signal.aborted) log.warn({ err: error }, 'what the schedules have run cannot be read yet')
        await inTime(new Promise<never>(() => undefined), undefined, { delayMs: RETRY_MS / 5 })
      }
    if (signal.aborted) return
    log.info('this node runs the schedules of the service')
    this.#engine.lead()
    for (const schedule of this.#options.schedules) this.#resume(schedule, signal)
  }

  async #handOver(isLost: boolean): Promise<void> {
    const { timer } = this.#options
    if (!isLost) await inTime(this.#sending.settled(), undefined, { delayMs: HAND_OVER_MS, timer })
    this.#engine.follow()
    this.#term.abort(new Error('another node leads'))
    if (!this.#isClosed) this.#options.log.info('this node no longer runs the schedules of the service')
  }

  /** What somebody asked for, and how the last run has ended. */
  #resume(schedule: WarmSchedule, signal: AbortSignal): void {
    for (const kind of ['asked', 'scheduled'] as const) {
      const key = { kind, schedule: schedule.name }
      const last = this.#options.runLog.last(key)
      if (last === undefined || !this.#isRecent(last)) continue
      const run = { key, schedule, scheduledMs: last.scheduledMs, signal }
      if (last.state === 'done' && last.results?.some(isOpen) === true)
        void this.#asked.add(this.#runs.watch(run, last.results))
      else if (kind === 'asked' && last.state !== 'done') void this.#asked.add(this.#carryOutAsked(run))
    }
  }

  #isRecent({ scheduledMs, state }: ScheduleRun): boolean {
    const { clock, graceMs, maxTaskMs } = this.#options
    return clock.now() - scheduledMs <= (state === 'done' ? maxTaskMs : graceMs)
  }

  #heard({ kind, schedule: name }: RunKey, run: ScheduleRun): void {
    if (run.state === 'done' && run.results?.some(isOpen) !== true) this.#cycles++
    if (kind !== 'asked' || run.state !== 'asked' || !this.#leadership.isLeading || !this.#engine.isLeading) return
    const schedule = this.#options.schedules.find((each) => each.name === name)
    if (schedule !== undefined) this.#resume(schedule, this.#term.signal)
  }

  async #carryOut(run: DueRun): Promise<readonly RunResult[]> {
    const results = await this.#sending.add(this.#runs.send(run))
    return this.#runs.watch(run, results)
  }

  async #carryOutAsked(run: DueRun): Promise<void> {
    const { clock } = this.#options
    const { schedule, scheduledMs } = run
    const facts = { schedule, scheduledMs, startedMs: clock.now() }
    try {
      const result = await this.#carryOut(run)
      this.#tell({ ...facts, outcome: 'done', result, endedMs: clock.now() })
    } catch (error) {
      const outcome = run.signal.aborted ? 'stopped' : 'failed'
      this.#tell({ ...facts, outcome, error, endedMs: clock.now() })
    }
  }

  #tell({ schedule: { name: schedule }, scheduledMs, startedMs, endedMs, outcome, result, error }: Ended): void {
    const { metrics, log } = this.#options
    metrics.counter('schedule_runs_total', { schedule, outcome }).add(1)
    const facts = { schedule, scheduled: new Date(scheduledMs).toISOString(), outcome, ms: endedMs - startedMs }
    if (outcome === 'done') log.info({ ...facts, results: result }, 'a schedule has run')
    else log.warn({ ...facts, ...(error !== undefined && { err: error }) }, 'a schedule has not run to its end')
  }

  #tellSlowed({ name: schedule }: WarmSchedule, accuracy: number | undefined): void {
    const { log } = this.#options
    if (accuracy === undefined) log.info({ schedule }, 'a schedule runs at all its times again: its warms are read')
    else log.info({ schedule, accuracy }, 'a schedule runs more seldom: hardly any of its warms were read')
  }

  #lastOf(schedule: string): LastRun | undefined {
    const runs = (['scheduled', 'asked'] as const).flatMap((kind): LastRun[] => {
      const run = this.#options.runLog.last({ kind, schedule })
      if (run === undefined) return []
      const { scheduledMs, state, by, atMs, results = [] } = run
      return [{ kind, scheduledMs, state, by, atMs, results }]
    })
    return runs.toSorted((a, b) => b.scheduledMs - a.scheduledMs)[0]
  }
}

function recordOf(run: ScheduleRun | undefined) {
  return run && ({ scheduledMs: run.scheduledMs, state: run.state === 'done' ? 'done' : 'begun' } as const)
}
