import type { ProposingStrategy } from '../../schemas/warm-request.ts'
import { warmsOf } from '../../src/cache/l1/usage.ts'
import { isVirtual } from '../../src/clock.ts'
import { type EndedRun, ScheduleEngine } from '../../src/schedules/engine.ts'
import type { WarmSchedule } from '../../src/schedules/schedule.ts'
import { systemTimer } from '../../src/timer.ts'
import { clockTimer } from '../clock-timer.ts'
import type { OpenedCache } from '../levels.ts'
import type { StrategyStats, WarmReport } from './report.ts'
import type { PairWarmer } from './warmer.ts'

/** The reports of one cycle, by strategy. */
export type CycleResult = Readonly<Partial<Record<ProposingStrategy, WarmReport>>>

/** A run of a schedule that is over. */
export interface EndedCycle {
  /** When it was to run, milliseconds since 1970. */
  readonly scheduledMs: number
  readonly durationMs: number
  /** `late`: it took more than ten minutes. `stopped`: the scheduler was stopped meanwhile. */
  readonly outcome: 'done' | 'failed' | 'late' | 'stopped'
  readonly result: CycleResult | undefined
}

/** What a scheduler does and has done. */
export interface SchedulerStatus {
  readonly running: boolean
  /** Cycles since it was made, those of `runOnce` too. */
  readonly cycleCount: number
  /** What the warms of each strategy brought. */
  readonly performanceSummary: Readonly<Partial<Record<ProposingStrategy, StrategyStats>>>
  /** When each schedule runs next, milliseconds since 1970, by its name. Empty unless it is running. */
  readonly nextRuns: Readonly<Record<string, number>>
  /** The last run of each schedule that has run. */
  readonly lastRuns: Readonly<Record<string, EndedCycle>>
  /** Schedules that run more seldom, as only this share of their warms was read, 0 to 1. */
  readonly slowed: Readonly<Record<string, number>>
}

/**
 * Warms what history says. What is popular is warmed every half an hour. What is usual at the hour to come, what is trending and
 * the group whose turn it is come every hour, what a session needs before it opens. A schedule whose warms nobody reads runs more
 * seldom.
 */
export interface WarmingScheduler {
  /** Nothing runs before. May be called twice. After the warming or its cache is closed, it does nothing. */
  start(): void
  /** May be started again. */
  stop(): void
  status(): SchedulerStatus
  /** Warms now what each strategy proposes, whether it is running or not. */
  runOnce(): Promise<CycleResult>
}

const STRATEGIES: readonly ProposingStrategy[] = [
  'popular',
  'time_of_day',
  'trending',
  'sector_rotation',
  'market_open',
  'pattern',
]
const LIMIT = 100

export class CacheScheduler implements WarmingScheduler {
  readonly #warmer: PairWarmer
  readonly #isCacheClosed: () => boolean
  readonly #engine: ScheduleEngine<WarmSchedule, CycleResult>
  #isRunning = false
  #isClosed = false
  #cycles = 0

  constructor(parts: OpenedCache, warmer: PairWarmer) {
    const { clock, log, caches, config, schedules } = parts
    this.#warmer = warmer
    this.#isCacheClosed = parts.isClosed
    this.#engine = new ScheduleEngine({
      schedules: schedules.filter(({ isEnabled }) => isEnabled),
      ...{ clock, graceMs: config.schedules.graceMs },
      timer: isVirtual(clock) ? clockTimer(clock) : systemTimer,
      run: ({ asks }) => this.#cycle(asks),
      ended: ({ asks }) => endedOf(asks.map(({ strategy }) => warmsOf(caches.l1.usage, strategy))),
      onEnded: ({ schedule, outcome, error }) => {
        if (outcome === 'failed') log.error({ err: error, schedule: schedule.name }, 'a schedule failed')
      },
      onSlowed: ({ name }, accuracy) =>
        accuracy === undefined
          ? log.info({ schedule: name }, 'a schedule runs at all its times again')
          : log.info({ schedule: name, accuracy }, 'a schedule runs more seldom: few of its warms are read'),
    })
  }

  start(): void {
    if (this.#isClosed || this.#isCacheClosed()) return
    this.#isRunning = true
    this.#engine.start()
  }

  stop(): void {
    this.#isRunning = false
    this.#engine.stop()
  }

  close(): void {
    this.#isClosed = true
    this.stop()
  }

  status(): SchedulerStatus {
    const { byStrategy } = this.#warmer.getStats()
    const schedules = this.#engine.status()
    return {
      running: this.#isRunning,
      cycleCount: this.#cycles,
      performanceSummary: present(STRATEGIES, (name) => byStrategy[name]),
      nextRuns: this.#isRunning ? this.#engine.nextRuns() : {},
      lastRuns: byName(schedules, ({ last }) => last && endedCycle(last)),
      slowed: byName(schedules, ({ slowedAt }) => slowedAt),
    }
  }

  runOnce(): Promise<CycleResult> {
    return this.#cycle(STRATEGIES.map((strategy) => ({ strategy, limit: LIMIT })))
  }

  async #cycle(asks: WarmSchedule['asks']): Promise<CycleResult> {
    this.#cycles++
    const reports: Partial<Record<ProposingStrategy, WarmReport>> = {}
    for (const { strategy, ...limited } of asks) reports[strategy] = await this.#warmer.warmProposed(strategy, limited)
    return reports
  }
}

function endedOf(warms: readonly { readonly used: number; readonly unused: number }[]) {
  return {
    used: warms.reduce((sum, { used }) => sum + used, 0),
    unused: warms.reduce((sum, { unused }) => sum + unused, 0),
  }
}

function endedCycle({
  scheduledMs,
  startedMs,
  endedMs,
  outcome,
  result,
}: EndedRun<WarmSchedule, CycleResult>): EndedCycle {
  return { scheduledMs, durationMs: endedMs - startedMs, outcome, result }
}

type Scheduled = { readonly schedule: WarmSchedule }

function byName<S extends Scheduled, T>(
  all: readonly S[],
  of: (each: S) => T | undefined,
): Readonly<Record<string, T>> {
  const found = all.flatMap((each) => {
    const value = of(each)
    return value === undefined ? [] : [[each.schedule.name, value] as const]
  })
  return Object.fromEntries(found)
}

function present<K extends string, T>(names: readonly K[], of: (name: K) => T | undefined) {
  const found = names.flatMap((name) => {
    const value = of(name)
    return value === undefined ? [] : [[name, value] as const]
  })
  return Object.fromEntries(found) as Partial<Record<K, T>>
}
