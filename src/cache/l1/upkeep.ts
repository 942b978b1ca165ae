import { Alarm } from '../../alarm.ts'
import { type Clock, isVirtual } from '../../clock.ts'
import type { Timer } from '../../timer.ts'
import type { FirstLevel } from './first-level.ts'
import { MemoryPressure, type Shares } from './memory-pressure.ts'

/**
 * What the caches need at intervals: L1 is told the time, and the memory in use is looked at. In a replay the time moves
 * with the records, which no timer notices, so that the clock itself calls.
 */
export interface UpkeepOptions {
  readonly l1: Pick<FirstLevel, 'tick' | 'tickMs' | 'resize'>
  readonly clock: Clock
  /** Memory in use ÷ the ceiling. */
  readonly memoryUsed: () => number
  /** Called when the shares that L1 may use have changed. */
  readonly onPressure?: (shares: Shares) => void
  /** Demand reads so far. */
  readonly reads?: () => Reads
  /** Called every ten seconds, to measure other levels. */
  readonly measure?: () => void
  readonly timer?: Timer
}

interface Reads {
  readonly hits: number
  readonly misses: number
}

const NO_READS: Reads = { hits: 0, misses: 0 }
const RATE_LOOKS = 10
const LOOK_MS = 1_000
const SHORTEST_MS = 10

export class Upkeep {
  readonly pressure = new MemoryPressure()
  readonly #options: UpkeepOptions
  readonly #everyMs: number
  readonly #nextTick: Alarm
  #sinceLookMs = 0
  #looks = 0
  /** The reads so far at each of the last looks, the oldest first. */
  readonly #reads: Reads[] = []
  #state: 'made' | 'running' | 'closed' = 'made'

  constructor(options: UpkeepOptions) {
    this.#options = options
    this.#everyMs = Math.max(SHORTEST_MS, Math.min(LOOK_MS, options.l1.tickMs))
    this.#nextTick = new Alarm(() => this.#tick(), options.timer)
  }

  /** Over the last ten seconds, or since the start; undefined in the first second. */
  get readsPerSecond(): number | undefined {
    const looks = this.#reads.length - 1
    const { hits, misses } = this.#lately
    return looks < 1 ? undefined : ((hits + misses) * 1000) / (looks * LOOK_MS)
  }

  /** Hits ÷ reads over the last ten seconds; undefined if there were no reads. */
  get hitRatio(): number | undefined {
    const { hits, misses } = this.#lately
    return hits + misses === 0 ? undefined : hits / (hits + misses)
  }

  get #lately(): Reads {
    const [first = NO_READS] = this.#reads
    const last = this.#reads.at(-1) ?? NO_READS
    return { hits: last.hits - first.hits, misses: last.misses - first.misses }
  }

  start(): void {
    if (this.#state !== 'made') return
    this.#state = 'running'
    const { clock } = this.#options
    if (isVirtual(clock)) clock.onMove(() => this.#tell())
    this.#tell()
    this.#noteReads()
    this.#nextTick.set(this.#everyMs)
  }

  close(): void {
    this.#state = 'closed'
    this.#nextTick.close()
  }

  #tick(): void {
    this.#tell()
    this.#sinceLookMs += this.#everyMs
    if (this.#sinceLookMs >= LOOK_MS) this.#look()
    this.#nextTick.set(this.#everyMs)
  }

  #tell(): void {
    if (this.#state === 'running') this.#options.l1.tick(this.#options.clock.now())
  }

  #look(): void {
    this.#sinceLookMs = 0
    this.#noteReads()
    if (this.#looks++ % RATE_LOOKS === 0) this.#options.measure?.()
    const { l1, memoryUsed, onPressure } = this.#options
    const shares = this.pressure.look(memoryUsed())
    if (shares === undefined) return
    l1.resize(shares.slots, shares.warms)
    onPressure?.(shares)
  }

  #noteReads(): void {
    this.#reads.push(this.#options.reads?.() ?? NO_READS)
    if (this.#reads.length > RATE_LOOKS + 1) this.#reads.shift()
  }
}
