import { checkedAhead, checkedEventTime } from '../../schemas/event-time.ts'
import { argument } from '../../src/config/argument.ts'
import { decimal, wholeFromZero } from '../../src/config/check.ts'
import type { NextReads } from '../../src/warming/next-reads.ts'
import type { OpenedCache } from '../levels.ts'
import { assertName, wrongFor } from '../names.ts'
import type { Analyzer } from './analyzer.ts'
import { followersOf } from './following.ts'

/** A pair that is likely to be read after another pair's updates or reads. */
export interface CachePairToWarm {
  readonly pair: string
  /**
   * `read`: handlers of the pair's updates read it. `updated`, `missed`: mining says that it is updated, or missed by a read,
   * after the pair's updates. `next`: it was read soon after earlier reads of the pair.
   */
  readonly kind: 'read' | 'updated' | 'missed' | 'next'
  /** The probability, 0 to 1, that this happens. */
  readonly score: number
  /** From the update until it happens, milliseconds; undefined for `next`, as reads are counted there and not timed. */
  readonly lagMs: number | undefined
  /** The evidence, for people. */
  readonly reason: string
}

/** Counts of a tracker since its start. */
export interface CacheTrackerStats {
  /** Pairs that were updated at least once and are tracked. */
  readonly totalPairs: number
  readonly totalUpdates: number
  /** Updates and reads that nothing was learned from, because MAX_TRACKED_PAIRS other pairs are tracked. */
  readonly notTracked: number
  /** Pairs that were not seen for long and whose place was given to another. */
  readonly pairsRecycled: number
}

/** Learns which pairs are read after which. */
export interface CacheTracker {
  /**
   * The pair's price has changed, and the caller handles the update from now on: reads in the same function, and in what it
   * awaits, follow it. The time is that of the update (default: now). Told to several warmings of one tracker with the same
   * time, it counts once. Throws a ForewarmError 'bad-value' for an impossible time or a pair that is no text.
   */
  recordPriceUpdate(pair: string, timestampMs?: number): void
  /**
   * The pairs that follow the pair, the likeliest first: those read in its turn, those whose update or missed read was mined to
   * follow its updates, and those that are read soon after it. A pair that nobody reads is never among them. Throws a
   * ForewarmError 'bad-value' for a limit or score (0 to 1) that is out of range.
   */
  getPairsToWarm(pair: string, nowMs?: number, limit?: number, minScore?: number): readonly CachePairToWarm[]
  getStats(): CacheTrackerStats
}

export interface TrackerParts {
  readonly parts: OpenedCache
  readonly analyzer: Analyzer
  readonly next: NextReads
}

const SCORE = decimal(0, 1)

export class NamedTracker implements CacheTracker {
  readonly #with: TrackerParts
  #withoutId = 0

  constructor(parts: TrackerParts) {
    this.#with = parts
  }

  recordPriceUpdate(pair: string, timestampMs?: number): void {
    assertName('recordPriceUpdate', pair)
    const { parts, analyzer } = this.#with
    const nowMs = parts.clock.now()
    const eventTimeMs = timestampMs ?? nowMs
    const against = checkedEventTime(eventTimeMs) ?? checkedAhead(eventTimeMs, nowMs)
    if (against !== undefined) throw wrongFor(pair, against.detail)
    const pairId = parts.caches.table.ask(parts.chain, pair)
    if (pairId < 0) this.#withoutId++
    else analyzer.updated({ pairId, eventTimeMs }, nowMs, this)
  }

  getPairsToWarm(pair: string, nowMs?: number, limit = Number.MAX_SAFE_INTEGER, minScore = 0) {
    const { parts, analyzer, next } = this.#with
    const { table } = parts.caches
    const most = argument('limit', limit, wholeFromZero)
    const least = argument('minScore', minScore, SCORE)
    const pairId = table.find(parts.chain, pair)
    if (pairId < 0) return []
    return followersOf({ tracker: analyzer.tracker, next }, pairId, nowMs ?? parts.clock.now())
      .filter(({ score }) => score >= least)
      .slice(0, most)
      .map(({ pairId: follower, ...rest }) => ({ pair: table.pairName(follower), ...rest }))
  }

  getStats(): CacheTrackerStats {
    const { tracker } = this.#with.analyzer
    return {
      totalPairs: tracker.totalPairs,
      totalUpdates: tracker.totalUpdates + this.#withoutId,
      notTracked: tracker.refusedCalls + this.#withoutId,
      pairsRecycled: tracker.recycled,
    }
  }
}
