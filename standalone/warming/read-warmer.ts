import { indexOfWarmKind } from '../../src/cache/l1/usage.ts'
import { InFlight } from '../../src/in-flight.ts'
import type { NextReads } from '../../src/warming/next-reads.ts'
import type { OpenedCache } from '../levels.ts'
import type { ReadListener } from '../read-listeners.ts'
import type { Analyzer } from './analyzer.ts'
import type { Operations } from './operations.ts'
import type { RolledOut } from './rollout.ts'
import type { ChosenStrategy } from './strategy.ts'

export interface ReadWarmerParts {
  readonly parts: OpenedCache
  readonly rollout: RolledOut
  readonly operations: Operations
  readonly analyzer: Analyzer
  readonly next: NextReads
  readonly strategy: ChosenStrategy
}

/** The most warms in flight at once. Pairs that are found meanwhile go together in the next one. */
const MAX_IN_FLIGHT = 4
const PREDICTION = indexOfWarmKind('prediction')

/** After each read of the cache, warms what is likely to be read next. */
export class ReadWarmer implements ReadListener {
  readonly #with: ReadWarmerParts
  readonly #wanted = new Set<number>()
  readonly #inFlight = new InFlight()
  #isPlanned = false
  #isClosed = false
  /** Pairs that were not warmed, because as many waited already as L1 takes warms. */
  pairsNotAsked = 0

  constructor(parts: ReadWarmerParts) {
    this.#with = parts
  }

  onRead(pairId: number): void {
    const { next, strategy, rollout, analyzer, parts } = this.#with
    next.after(pairId)
    if (!strategy.config.enabled || next.count === 0 || !rollout.allows(pairId) || analyzer.isControl) return
    const most = parts.caches.l1.usage.warmLimit
    for (let i = 0; i < next.count; i++) {
      if (this.#wanted.size >= most) this.pairsNotAsked++
      else this.#wanted.add(next.pairIds[i] as number)
    }
    if (this.#wanted.size > 0) this.#plan()
  }

  /** Warms that are planned begin in a microtask before this goes on. */
  waits(): Promise<void> | undefined {
    return this.#with.strategy.config.asyncWarming ? undefined : Promise.resolve().then(() => this.#inFlight.settled())
  }

  /** What was found until now is not warmed. */
  drop(): void {
    this.#wanted.clear()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#inFlight.settled()
  }

  /** Waits for a microtask, so that pairs that are read together are warmed together. */
  #plan(): void {
    if (this.#isPlanned || this.#inFlight.size >= MAX_IN_FLIGHT) return
    this.#isPlanned = true
    queueMicrotask(() => {
      this.#isPlanned = false
      const pairIds = [...this.#wanted]
      this.#wanted.clear()
      // A change of the rollout may have emptied the set.
      if (this.#isClosed || pairIds.length === 0 || this.#with.rollout.refusal === 'closed') return
      this.#warm(pairIds)
    })
  }

  #warm(pairIds: readonly number[]): void {
    const { parts, strategy, operations } = this.#with
    const { asyncWarming, timeoutMs } = strategy.config
    const shadow = parts.caches.shadow.parts
    if (shadow !== undefined) {
      shadow.l1.warm(pairIds, () => PREDICTION, asyncWarming ? 0 : timeoutMs)
      return
    }
    const warm = operations.warm({
      ...{ pairIds, attempted: pairIds.length, timeoutMs },
      ...{ kindOf: () => 'prediction' as const, strategy: 'prediction' as const },
    })
    void this.#inFlight.add(warm).finally(() => {
      if (this.#wanted.size > 0 && !this.#isClosed) this.#plan()
    })
  }
}
