import { NUMBER_COUNT } from '../../../schemas/price-update.ts'
import { type CachedPrice, emptyPrice } from '../../../src/cache/cached-price.ts'
import { WriteBehind } from '../../../src/cache/l2/write-behind.ts'
import type { Flush } from '../../../src/cache/l2/write-behind-options.ts'
import { Sources, UNKNOWN_SOURCE } from '../../../src/cache/sources/sources.ts'
import { virtualClock } from '../../../src/clock.ts'
import { ManualTimer } from '../../harness/manual-timer.ts'
import { ControlledL2 } from './controlled-l2.ts'

export const PAIRS = 8
export const FLUSH_MS = 10
export const L2_TTL_MS = 60_000

/** A write-behind over a second level whose answers the test gives, on a clock that the test moves. */
export class WriteBehindStage {
  readonly l2 = new ControlledL2()
  readonly clock = virtualClock()
  readonly timer = new ManualTimer(this.clock)
  readonly flushes: Flush[] = []
  readonly lost: [entries: number, reason: string][] = []
  readonly sources = new Sources()
  /** What L1 holds: the version of each pair. */
  readonly held = new Map<number, number>()
  readonly writeBehind: WriteBehind

  /** What L1 holds beside those. */
  readonly heldPrices = new Map<number, CachedPrice>()

  constructor(capacity = PAIRS, grows = false, mostJsonBytes?: number) {
    this.writeBehind = new WriteBehind({
      l2: this.l2,
      sources: this.sources,
      held: (pairId, into) => {
        const price = this.heldPrices.get(pairId)
        if (price !== undefined) Object.assign(into, price)
        if (price !== undefined) return true
        into.version = this.held.get(pairId) ?? 0
        into.price = into.version / 2
        return into.version > 0
      },
      flushMs: FLUSH_MS,
      l2TtlMs: L2_TTL_MS,
      capacity,
      grows,
      ...(mostJsonBytes !== undefined && { mostJsonBytes }),
      maxPairs: PAIRS,
      timer: this.timer.start,
      now: this.timer.now,
      onFlush: (flush) => this.flushes.push(flush),
      onLost: (...lost) => this.lost.push(lost),
    })
  }

  /** The numbers tell the version, so that a row that mixes two updates shows. */
  add(pairId: number, version: number, source = UNKNOWN_SOURCE): void {
    const numbers = new Float64Array(NUMBER_COUNT * 2).fill(-1)
    numbers.fill(version / 2, NUMBER_COUNT)
    this.writeBehind.add(pairId, version, numbers, NUMBER_COUNT, source)
  }

  /** The version that a read would find; 0 if there is none. */
  pending(pairId: number): number {
    const price = emptyPrice()
    return this.writeBehind.pending(pairId, price) ? price.version : 0
  }

  written(call: number): [pairId: number, version: number][] {
    return (this.l2.writes[call]?.rows ?? []).map(({ pairId, version }) => [pairId, version])
  }
}
