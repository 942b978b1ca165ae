import type { WarmRequest } from '../../../schemas/warm-request.ts'
import { kindOf } from '../../cache/l1/usage.ts'
import { VERSIONS_PER_MS } from '../../cache/price-record.ts'
import type { Tracker } from '../../correlation/tracker.ts'
import { STRATEGY_LIMITS, type StrategyName, strategyNamed } from '../../strategy/named.ts'
import { LOCAL_WARM_MS, Triggers, throttleOf } from '../../warming/triggers.ts'
import { HeldWarms } from './held-warms.ts'
import type { PriceWarmingOptions } from './price.ts'

/** Times are whole microseconds: less than half of one is an error of rounding. */
const ROUNDING_MS = 0.0004

/** Sooner reads are the look-ahead's, as in a node, however little a warm takes here. */
export function leastLagMs(warmMs: number): number {
  return Math.max(LOCAL_WARM_MS, warmMs)
}

/** Requests name pairs: here by their numbers, all of one chain. */
const NAMES = { chainOf: () => 0, chainName: () => 'chain', pairName: String }

/** A node's triggers along a tape: what they ask for is held until it is due, and comes as much later as a warm takes. */
export class TapeTriggers {
  readonly held: HeldWarms
  readonly #triggers: Triggers
  #nowMs = 0
  /** By pair: its last update. */
  readonly #movedMs: Float64Array

  constructor(name: StrategyName, tracker: Tracker, { tape, tally, warmMs }: PriceWarmingOptions) {
    this.#movedMs = new Float64Array(tape.pairs)
    this.held = new HeldWarms({ tally, warmMs })
    this.#triggers = new Triggers({
      throttles: { correlation: throttleOf(tally, 'correlation'), prediction: throttleOf(tally, 'prediction') },
      tracker,
      table: NAMES,
      l1: {
        usage: tally,
        has: (pairId) => tally.policy.has(pairId),
        floor: (pairId) => (this.#movedMs[pairId] as number) * VERSIONS_PER_MS,
      },
      hitRatio: () => tally.hitRatio,
      strategy: strategyNamed(name, STRATEGY_LIMITS[name]),
      clock: { now: () => this.#nowMs },
      nodeId: name,
      warmMs: leastLagMs(warmMs),
      takesMs: () => warmMs,
      publish: (request) => this.#hold(request),
    })
  }

  /** Does what is due until now. */
  release(nowMs: number): void {
    this.held.release(nowMs + ROUNDING_MS)
  }

  /** An update; the time stands still until the next one. */
  update(pairId: number, nowMs: number): void {
    this.#nowMs = nowMs
    this.#movedMs[pairId] = nowMs
    this.#triggers.onUpdate(pairId, nowMs)
  }

  /** Asked for as late as it can. */
  #hold({ pairs, notBeforeMs, origin }: WarmRequest): void {
    const hold = { nowMs: this.#nowMs, untilMs: notBeforeMs ?? this.#nowMs, kind: kindOf(origin) }
    for (const pair of pairs) this.held.hold(Number(pair), hold)
  }
}
