import { updateColumns } from '../../../schemas/update-columns.ts'
import { indexOfWarmKind } from '../../cache/l1/usage.ts'
import { defaultConfig } from '../../config/load.ts'
import { Tracker } from '../../correlation/tracker.ts'
import { limitsOf } from '../../strategy/choice.ts'
import type { StrategyName } from '../../strategy/named.ts'
import type { OwnStrategy } from '../../strategy/own-strategy.ts'
import { LookAhead, limitsOf as lookAheadLimits, WINDOW_UPDATES } from '../../warming/look-ahead.ts'
import type { Tally } from '../tally.ts'
import type { PriceTape } from '../traffic/price-tape.ts'
import type { PriceWarming, PriceWarmingOptions } from './price.ts'
import { leastLagMs, TapeTriggers } from './tape-triggers.ts'

const LOOK_AHEAD = indexOfWarmKind('look-ahead')

/**
 * Warming as in a node that knows to which update each read belongs. The tracker learns the reads. The look-ahead fetches
 * those that come at once after the next updates; the triggers ask for later ones just in time.
 */
export class AttributedWarming implements PriceWarming {
  readonly #tape: PriceTape
  readonly #tally: Tally
  readonly #warmMs: number
  readonly #triggers: TapeTriggers
  readonly tracker: Tracker
  readonly #lookAhead: LookAhead
  readonly #columns = updateColumns(WINDOW_UPDATES)
  /** The number of the update in the columns' first row. */
  #first = 0
  #nowMs = 0

  constructor(strategy: StrategyName | OwnStrategy, options: PriceWarmingOptions) {
    const { tape, tally, warmMs } = options
    this.#tape = tape
    this.#tally = tally
    this.#warmMs = warmMs
    const { correlation, node } = defaultConfig()
    const waiting = options.waiting === undefined ? {} : { waiting: options.waiting }
    this.tracker = new Tracker({ maxPairs: correlation.maxTrackedPairs, top: correlation.top, ...waiting })
    this.#triggers = new TapeTriggers(strategy, this.tracker, options)
    this.#lookAhead = new LookAhead({
      ...lookAheadLimits(options.lookAhead, { usage: tally, late: () => tally.lateByKind[LOOK_AHEAD] ?? 0 }),
      tracker: this.tracker,
      l1: { usage: tally.policy, expect: (pairId) => tally.policy.expect(pairId) },
      warmMs: leastLagMs(warmMs),
      mode: options.lookAhead,
      timeoutMs: node.lookAheadMs,
      takesMs: () => warmMs,
      minRate: limitsOf(strategy).minScore,
      metrics: { counter: () => ({ add: () => undefined, value: 0 }) },
      promote: async (pairIds, timeoutMs, waits) => this.#promote(pairIds, waits ? timeoutMs : 0),
    })
  }

  release(nowMs: number): void {
    this.#triggers.release(nowMs)
  }

  update(pairId: number, at: number, nowMs: number): void {
    this.#nowMs = nowMs
    void this.#lookAhead.before(this.#rowOf(at), this.#columns)
    this.tracker.observe(pairId)
    this.#triggers.update(pairId, nowMs)
  }

  afterReads(trigger: number, pairIds: Int32Array, lagMs: number): void {
    let readEdges = 0
    for (const pairId of pairIds) {
      const edge = this.tracker.read(trigger, pairId, lagMs)
      if (edge >= 0) readEdges |= 1 << edge
    }
    this.tracker.settle(trigger, readEdges)
  }

  /** Values that take no longer than `waitMs` are there before the handlers run. The others come later. */
  #promote(pairIds: readonly number[], waitMs: number): void {
    for (const pairId of pairIds) {
      if (this.#warmMs <= waitMs) this.#tally.warm(pairId, LOOK_AHEAD)
      else this.#triggers.held.request(pairId, this.#nowMs, LOOK_AHEAD)
    }
  }

  /** The update's row in the window that was decoded together. */
  #rowOf(at: number): number {
    const { updates, batches } = this.#tape
    const columns = this.#columns
    if (at === 0 || at >= this.#first + columns.count) {
      columns.count = 0
      this.#first = at
      for (let next = at; batches[next] === batches[at] && columns.count < WINDOW_UPDATES; next++)
        columns.pairIds[columns.count++] = updates[next] as number
      this.#lookAhead.restart()
    }
    return at - this.#first
  }
}
