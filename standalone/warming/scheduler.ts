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
  #running = false
  #cycles = 0

  constructor(warmer: CacheWarmer) {
    this.#warmer = warmer
  }

  start(): void {
    if (this.#running) return
    this.#running = true
    this.#cycles++
    void this.#warmer.warmPopular()
    void this.#warmer.warmTimeOfDay()
  }

  stop(): void {
    this.#running = false
  }

  status(): SchedulerStatus {
    const { byStrategy } = this.#warmer.getStats()
    const own = STRATEGIES.flatMap((name) =>
      byStrategy[name] === undefined ? [] : [[name, byStrategy[name]] as const],
    )
    return {
      running: this.#running,
      cycleCount: this.#cycles,
      performanceSummary: Object.fromEntries(own),
      nextRuns: {},
    }
  }

  async runOnce(): Promise<CycleResult> {
    this.#cycles++
    const popular = await this.#warmer.warmPopular()
    const time_of_day = await this.#warmer.warmTimeOfDay()
    const trending = await this.#warmer.warmTrending()
    return { popular, time_of_day, trending }
  }
}
