import { checkedAhead, checkedEventTime } from '../../schemas/event-time.ts'
import { shownError } from '../../schemas/json-value.ts'
import { checkedName } from '../../schemas/price-object.ts'
import type { ProposingStrategy } from '../../schemas/warm-request.ts'
import { argument, described } from '../../src/config/argument.ts'
import { integer, wholeFromZero } from '../../src/config/check.ts'
import { assertOptions, type OptionsOf } from '../../src/config/options.ts'
import type { RecommendationOptions } from '../../src/prediction/node-predictor.ts'
import type { AccessPattern } from '../../src/prediction/pattern.ts'
import type { PatternsDocument } from '../../src/prediction/patterns-document.ts'
import { FARTHEST_HOURS, type PredictorStats } from '../../src/prediction/predictor.ts'
import type { Kind } from '../../src/prediction/proposal.ts'
import type { NextReads } from '../../src/warming/next-reads.ts'
import type { OpenedCache } from '../levels.ts'
import { assertName, assertNames, wrongFor } from '../names.ts'
import type { Analyzer } from './analyzer.ts'
import { nextOf } from './following.ts'

/** A pair that is likely to be read. */
export interface PredictedPair {
  readonly pair: string
  /** What says so: a kind of history, or `next` for the order of reads. */
  readonly kind: Kind | 'next'
  /** 0 to 1. */
  readonly confidence: number
  readonly reason: string
}

/** A read that the cache does not know of, as it was made elsewhere. */
export interface RecordedAccess {
  /** Milliseconds since 1970. Default: now. */
  readonly atMs?: number
  /** Whether the reader found the pair at hand. */
  readonly hit?: boolean
  readonly latencyMs?: number
  /** Sector, event, base token: whatever the pair moves together with. */
  readonly group?: string
}

/** Counts of a predictor since its start. */
export interface CachePredictorStats extends PredictorStats {
  /** The reads of `recordAccess`. A figure is undefined before a read that told it. */
  readonly recorded: {
    readonly accesses: number
    readonly hitRatio: number | undefined
    readonly avgLatencyMs: number | undefined
  }
}

/**
 * Predicts reads from those of the cache, which are recorded by themselves as long as a warming works beside it. All that
 * take options throw a ForewarmError 'bad-value' for one that is out of range. A `limit` is 100 unless given.
 */
export interface CachePredictor {
  /** A read that was made elsewhere. Nothing is warmed because of it. */
  recordAccess(pair: string, access?: RecordedAccess): void
  /** The pairs that are read most, of late more than long ago. */
  popular(limit?: number): readonly PredictedPair[]
  /** The pairs that were read more in the last `windowHours` (default: 24) than before. */
  trending(options?: { readonly windowHours?: number; readonly limit?: number }): readonly PredictedPair[]
  /** The pairs that are usually read in the next `lookAheadHours` (default: 1) of the day. */
  timeOfDay(options?: { readonly lookAheadHours?: number; readonly limit?: number }): readonly PredictedPair[]
  /** The pairs that are likely to be read after these, as reads so far say. */
  next(pairs: readonly string[], limit?: number): readonly PredictedPair[]
  /** The pairs that are forecast to be read within `hours` (default: 1), by hour of the week, level and trend. */
  forecast(options?: { readonly hours?: number; readonly limit?: number }): readonly PredictedPair[]
  /** The surest pairs of all kinds of history. */
  recommendations(options?: RecommendationOptions): readonly PredictedPair[]
  /** Undefined for a pair that was not read. */
  pattern(pair: string): AccessPattern | undefined
  stats(): CachePredictorStats
  exportPatterns(): PatternsDocument
  /** Takes a document of `exportPatterns`. Returns its fault, or the number of pairs for which there was no room. */
  importPatterns(document: unknown): { readonly refused: number } | { readonly problem: string }
}

export interface PredictorParts {
  readonly parts: OpenedCache
  readonly analyzer: Analyzer
  readonly next: NextReads
}

export interface ProposedOptions {
  readonly limit?: number
  readonly windowHours?: number
  readonly lookAheadHours?: number
  /** Leaves out what does not pay to be warmed. */
  readonly onlyWorthwhile?: boolean
}

const LIMIT = 100
const HOURS = integer(1, FARTHEST_HOURS)
const WINDOW_HOURS = integer(1, 8_760)
const ACCESS: OptionsOf<RecordedAccess> = { atMs: true, hit: true, latencyMs: true, group: true }

export class NamedPredictor implements CachePredictor {
  readonly #with: PredictorParts
  readonly #recorded = { accesses: 0, told: 0, hits: 0, timed: 0, latencyMs: 0 }

  constructor(parts: PredictorParts) {
    this.#with = parts
  }

  recordAccess(pair: string, access: RecordedAccess = {}): void {
    assertName('recordAccess', pair)
    assertOptions('recordAccess', access, ACCESS)
    const { parts } = this.#with
    const { table, prediction } = parts.caches
    const nowMs = parts.clock.now()
    const { atMs = nowMs, hit, latencyMs, group } = access
    // The history goes by the newest read: one of next year would end all that is known.
    const against = checkedEventTime(atMs) ?? checkedAhead(atMs, nowMs)
    if (against !== undefined) throw wrongFor(pair, `atMs: ${against.detail}`)
    if (latencyMs !== undefined && !(Number.isFinite(latencyMs) && latencyMs >= 0))
      throw wrongFor(pair, `latencyMs: expected milliseconds from 0, got ${described(latencyMs)}`)
    if (hit !== undefined && typeof hit !== 'boolean')
      throw wrongFor(pair, `hit: expected true or false, got ${described(hit)}`)
    // A document of patterns with an impossible group would be refused as a whole.
    if (group !== undefined && (typeof group !== 'string' || checkedName(group, 'pair') !== undefined))
      throw wrongFor(pair, `group: expected a name, got ${described(group)}`)
    const pairId = table.ask(parts.chain, pair)
    const recorded = this.#recorded
    recorded.accesses++
    if (hit !== undefined) recorded.told++
    if (hit === true) recorded.hits++
    if (latencyMs !== undefined) recorded.timed++
    recorded.latencyMs += latencyMs ?? 0
    if (pairId < 0) return
    if (group !== undefined) table.setGroup(pairId, group)
    prediction.onRead?.(pairId, atMs)
    this.#with.next.after(pairId)
    this.#with.analyzer.learn(pairId, hit)
  }

  popular(limit = LIMIT): readonly PredictedPair[] {
    return this.proposed('popular', { limit })
  }

  trending(options: { readonly windowHours?: number; readonly limit?: number } = {}): readonly PredictedPair[] {
    assertOptions('trending', options, { windowHours: true, limit: true })
    return this.proposed('trending', options)
  }

  timeOfDay(options: { readonly lookAheadHours?: number; readonly limit?: number } = {}): readonly PredictedPair[] {
    assertOptions('timeOfDay', options, { lookAheadHours: true, limit: true })
    return this.proposed('time_of_day', options)
  }

  forecast(options: { readonly hours?: number; readonly limit?: number } = {}): readonly PredictedPair[] {
    assertOptions('forecast', options, { hours: true, limit: true })
    const { hours, limit } = options
    return this.proposed('pattern', {
      ...(hours !== undefined && { lookAheadHours: argument('hours', hours, HOURS) }),
      ...(limit !== undefined && { limit }),
    })
  }

  next(pairs: readonly string[], limit = LIMIT): readonly PredictedPair[] {
    const { parts, next } = this.#with
    const { table } = parts.caches
    assertNames('next', pairs)
    const most = argument('limit', limit, wholeFromZero)
    const current = new Set(pairs.map((pair) => table.find(parts.chain, pair)))
    const best = new Map<number, PredictedPair>()
    for (const pairId of current) {
      for (const { pairId: id, score, reason } of pairId < 0 ? [] : nextOf(next, pairId)) {
        if (current.has(id) || score <= (best.get(id)?.confidence ?? 0)) continue
        best.set(id, { pair: table.pairName(id), kind: 'next', confidence: score, reason })
      }
    }
    return [...best.values()].sort((a, b) => b.confidence - a.confidence).slice(0, most)
  }

  recommendations(options: RecommendationOptions = {}): readonly PredictedPair[] {
    const { parts } = this.#with
    return this.#ofChain(parts.caches.prediction.recommendations(options))
  }

  pattern(pair: string): AccessPattern | undefined {
    const { parts } = this.#with
    return parts.caches.prediction.pattern(parts.chain, pair)
  }

  stats(): CachePredictorStats {
    const { accesses, told, hits, timed, latencyMs } = this.#recorded
    const recorded = {
      accesses,
      hitRatio: told === 0 ? undefined : hits / told,
      avgLatencyMs: timed === 0 ? undefined : latencyMs / timed,
    }
    return { ...this.#with.parts.caches.prediction.stats(), recorded }
  }

  exportPatterns(): PatternsDocument {
    return this.#with.parts.caches.prediction.exportPatterns()
  }

  importPatterns(document: unknown): { readonly refused: number } | { readonly problem: string } {
    const copied = copyOf(document)
    return 'problem' in copied ? copied : this.#with.parts.caches.prediction.importPatterns(copied.document)
  }

  /** The surest pairs by one kind of history. */
  proposed(strategy: ProposingStrategy, given: ProposedOptions): readonly PredictedPair[] {
    const { limit = LIMIT, windowHours = 24, lookAheadHours = 1, onlyWorthwhile = false } = given
    const options = {
      limit: argument('limit', limit, wholeFromZero),
      windowHours: argument('windowHours', windowHours, WINDOW_HOURS),
      lookAheadHours: argument('lookAheadHours', lookAheadHours, HOURS),
      onlyWorthwhile,
    }
    return this.#ofChain(this.#with.parts.caches.prediction.proposals(strategy, options))
  }

  /** A document of patterns may have other chains, too. */
  #ofChain(found: readonly (PredictedPair & { readonly chain: string })[]): readonly PredictedPair[] {
    const { chain: own } = this.#with.parts
    return found.filter(({ chain }) => chain === own).map(({ chain: _, ...rest }) => rest)
  }
}

/** A copy that nothing of the caller's can change, or throw from, while it is taken over. */
function copyOf(document: unknown): { readonly document: unknown } | { readonly problem: string } {
  try {
    return { document: structuredClone(document) }
  } catch (error) {
    return { problem: `expected a document of plain values: ${shownError(error)}` }
  }
}
