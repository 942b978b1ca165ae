import type { WarmRequest } from '../../../schemas/warm-request.ts'
import { VERSIONS_PER_MS } from '../../cache/cached-price.ts'
import { indexOfWarmKind } from '../../cache/l1/usage.ts'
import type { Tracker } from '../../correlation/tracker.ts'
import { limitsOf, nameOf } from '../../strategy/choice.ts'
import { type StrategyName, strategyNamed } from '../../strategy/named.ts'
import type { OwnStrategy } from '../../strategy/own-strategy.ts'
import type { Strategy } from '../../strategy/strategy.ts'
import { askedStrategy, type StrategyRefusal } from '../../warming/strategies/asked-strategy.ts'
import { LOCAL_WARM_MS, Triggers, throttleOf } from '../../warming/triggers.ts'
import { SimulationError } from '../simulation-error.ts'
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

  constructor(strategy: StrategyName | OwnStrategy, tracker: Tracker, options: PriceWarmingOptions) {
    const { tape, tally, warmMs } = options
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
      strategy: strategyOf(strategy, options),
      clock: { now: () => this.#nowMs },
      nodeId: nameOf(strategy),
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

function strategyOf(strategy: StrategyName | OwnStrategy, { tape, tally }: PriceWarmingOptions): Strategy {
  if (typeof strategy === 'string') return strategyNamed(strategy, limitsOf(strategy))
  const { slots, usage } = tally.policy
  return askedStrategy(strategy, limitsOf(strategy), {
    pairName: (pairId) => tape.names?.[pairId] ?? String(pairId),
    usage: usage ?? { resident: slots, limit: slots, warmsByKind: tally.warmsByKind },
    onRefused: refuse,
  })
}

/** Figures of a faulty strategy would say nothing. */
function refuse({ strategy, detail }: StrategyRefusal): never {
  throw new SimulationError('bad-option', `the strategy ${strategy} ${detail}`)
}
