import type { Clock } from '../../src/clock.ts'
import { ScheduleEngine } from '../../src/schedules/engine.ts'
import { type Ask, defaultSchedules, type WarmSchedule } from '../../src/schedules/schedule.ts'
import type { StrategyStats, WarmReport } from './report.ts'
import type { CacheWarmer } from './warmer.ts'

/** The results of one cycle, by strategy. */
export type CycleResult = Readonly<Record<string, WarmReport>>

/** What a scheduler does and has done. */
export interface SchedulerStatus {
  readonly running: boolean
  /** Cycles since it was made, those of `runOnce` too. */
  readonly cycleCount: number
  /** What the warms of its strategies brought. */
  readonly performanceSummary: Readonly<Record<string, StrategyStats>>
  /** When each schedule runs next, milliseconds since 1970. */
  readonly nextRuns: Readonly<Record<string, number>>
}

/** Warms what history says, from time to time. */
export interface WarmingScheduler {
  /** Warms what is popular and what is usual at this hour, at once. May be called twice. */
  start(): void
  stop(): void
  status(): SchedulerStatus
  /** Warms now what is popular, usual at this hour and trending. */
  runOnce(): Promise<CycleResult>
}

const STRATEGIES = ['popular', 'time_of_day', 'trending'] as const

export class CacheScheduler implements WarmingScheduler {
  readonly #warmer: CacheWarmer
  readonly #engine: ScheduleEngine<WarmSchedule, void>
  #cycles = 0

  constructor(warmer: CacheWarmer, clock: Clock) {
    this.#warmer = warmer
    const all = defaultSchedules()
    this.#engine = new ScheduleEngine({
      schedules: [all['start-up'], all.popular, all['time-of-day'], all.trending],
      clock,
      run: (schedule) => this.#run(schedule),
    })
  }

  start(): void {
    this.#engine.start()
  }

  stop(): void {
    this.#engine.stop()
  }

  status(): SchedulerStatus {
    const { byStrategy } = this.#warmer.getStats()
    const own = STRATEGIES.flatMap((name) =>
      byStrategy[name] === undefined ? [] : [[name, byStrategy[name]] as const],
    )
    return {
      running: this.#engine.isLeading,
      cycleCount: this.#cycles,
      performanceSummary: Object.fromEntries(own),
      nextRuns: this.#engine.nextRuns(),
    }
  }

  async runOnce(): Promise<CycleResult> {
    this.#cycles++
    const popular = await this.#warmer.warmPopular()
    const time_of_day = await this.#warmer.warmTimeOfDay()
    const trending = await this.#warmer.warmTrending()
    return { popular, time_of_day, trending }
  }

  async #run({ asks }: WarmSchedule): Promise<void> {
    this.#cycles++
    for (const ask of asks) await this.#warm(ask)
  }

  #warm({ strategy, limit }: Ask): Promise<WarmReport> {
    switch (strategy) {
      case 'popular':
        return this.#warmer.warmPopular({ limit })
      case 'trending':
        return this.#warmer.warmTrending({ limit })
      default:
        return this.#warmer.warmTimeOfDay({ limit })
    }
  }
}
