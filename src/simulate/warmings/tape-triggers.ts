import type { WarmRequest } from '../../../schemas/warm-request.ts'
import { VERSIONS_PER_MS } from '../../cache/cached-price.ts'
import { indexOfWarmKind } from '../../cache/l1/usage.ts'
import type { Tracker } from '../../correlation/tracker.ts'
import { STRATEGY_LIMITS, type StrategyName, strategyNamed } from '../../strategy/named.ts'
import { LOCAL_WARM_MS, Triggers, throttleOf } from '../../warming/triggers.ts'
import { HeldWarms } from './held-warms.ts'
import type { PriceWarmingOptions } from './price.ts'

/** Times are whole microseconds: a difference of less than half of one comes from rounding. */
const ROUNDING_MS = 0.0004

/** Reads sooner after their update are left to the look-ahead, as in a node, however short `warmMs` is. */
export function leastLagMs(warmMs: number): number {
  return Math.max(LOCAL_WARM_MS, warmMs)
}

/** Requests carry names: here a pair's number is its name, and there is one chain. */
const NAMES = { chainOf: () => 0, chainName: () => 'chain', pairName: String }

/** A node's triggers along a tape. Their requests are held until due; the value comes a warm's time later. */
export class TapeTriggers {
  readonly held: HeldWarms
  readonly #triggers: Triggers
  #nowMs = 0
  /** The time of each pair's last update. */
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

  /** Does everything that is due by now. */
  release(nowMs: number): void {
    this.held.release(nowMs + ROUNDING_MS)
  }

  /** An update comes in. Time stands still until the next one. */
  update(pairId: number, nowMs: number): void {
    this.#nowMs = nowMs
    this.#movedMs[pairId] = nowMs
    this.#triggers.onUpdate(pairId, nowMs)
  }

  /** Holds a request until the latest moment at which its warm is in time. */
  #hold({ pairs, notBeforeMs, origin }: WarmRequest): void {
    const hold = { nowMs: this.#nowMs, untilMs: notBeforeMs ?? this.#nowMs, kind: indexOfWarmKind(origin) }
    for (const pair of pairs) this.held.hold(Number(pair), hold)
  }
}
