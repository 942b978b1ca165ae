import type { UpdateColumns } from '../../schemas/update-columns.ts'
import type { FirstLevel } from '../cache/l1/first-level.ts'
import type { Usage } from '../cache/l1/usage.ts'
import { KnownReads } from '../correlation/known-reads.ts'
import type { Tracker } from '../correlation/tracker.ts'
import type { Throttle } from '../strategy/throttle.ts'
import type { Counter, Metrics } from '../telemetry/slab.ts'
import type { ControlGroup } from './control-group.ts'
import { WARM_MS } from './triggers.ts'

/**
 * Kafka hands over the future: a fetched batch holds updates whose handlers have not run. Before they do, the reads
 * known for them are fetched in one trip. `overlap` starts the fetch and goes on; `await` gives it `timeoutMs`.
 *
 * One window is as many updates as their reads fit the warm part: a larger one would push its own first warms out
 * before they are read.
 */
export type LookAheadMode = 'off' | 'overlap' | 'await'

/** Updates that are decoded before the first of them is handled, at the least: one record may hold more. */
export const WINDOW_UPDATES = 512

export interface LookAheadOptions {
  readonly tracker: Tracker
  readonly l1: Pick<FirstLevel, 'expect'> & { readonly usage: Pick<Usage, 'warmLimit'> }
  readonly mode: LookAheadMode
  readonly timeoutMs: number
  /** A read known to follow less often is not fetched ahead; 0 to 1. */
  readonly minRate: number
  /** Updates for which nothing is fetched. */
  readonly control?: Pick<ControlGroup, 'includes'> | undefined
  /** Keeps reads that nobody comes to from being fetched. */
  readonly throttle?: Pick<Throttle, 'allows'> | undefined
  /** Reads later after their update are not fetched ahead: the triggers ask for them. WARM_MS unless given. */
  readonly warmMs?: number
  readonly metrics: Pick<Metrics, 'counter'>
  /** Into L1 as warms; never rejects. */
  readonly promote: (pairIds: readonly number[], timeoutMs: number) => Promise<unknown>
}

export class LookAhead {
  readonly #options: LookAheadOptions
  readonly #known = new KnownReads()
  /** Of the window in hand: all reads, and those that L1 lacks. */
  readonly #reads = new Set<number>()
  readonly #wanted: number[] = []
  readonly #loads: Counter
  /** Row after the last one of the window in hand. */
  #end = 0

  constructor(options: LookAheadOptions) {
    this.#options = options
    this.#loads = options.metrics.counter('look_ahead_loads_total')
  }

  /** New rows: the window in hand is over. */
  restart(): void {
    this.#end = 0
  }

  /** To be called before each row is handled; the promise, if there is one, is to be awaited first. */
  before(row: number, columns: UpdateColumns): Promise<unknown> | undefined {
    if (row < this.#end || this.#options.mode === 'off' || !this.#options.tracker.hasEdges) return undefined
    this.#plan(row, columns)
    if (this.#wanted.length === 0) return undefined
    const { mode, timeoutMs, promote } = this.#options
    this.#loads.add(this.#wanted.length)
    const promoted = promote(this.#wanted.slice(), timeoutMs)
    return mode === 'await' ? promoted : undefined
  }

  #plan(from: number, columns: UpdateColumns): void {
    const { tracker, l1, minRate, control, throttle, warmMs = WARM_MS } = this.#options
    const known = this.#known
    const room = l1.usage.warmLimit
    this.#reads.clear()
    this.#wanted.length = 0
    let row = from
    for (; row < columns.count; row++) {
      const trigger = columns.pairIds[row] as number
      if (control?.includes(trigger, columns.eventTimesMs[row] as number)) continue
      const reads = tracker.readsAfter(trigger, known)
      // Also what is resident counts: it may be pushed out before its read by what is not.
      if (this.#reads.size + reads > room && row > from) break
      for (let i = 0; i < reads && this.#wanted.length < room; i++) {
        const pairId = known.pairIds[i] as number
        if ((known.rates[i] as number) < minRate || this.#reads.has(pairId)) continue
        // Later ones are asked for in their own time (triggers.ts): fetched now they would be pushed out before.
        if ((known.lagsMs[i] as number) >= warmMs) continue
        this.#reads.add(pairId)
        if (!l1.expect(pairId) && (throttle?.allows() ?? true)) this.#wanted.push(pairId)
      }
    }
    this.#end = row
  }
}
