import { HORIZON_PARTS } from '../cache/l1/warm-part.ts'
import { Confidence } from '../correlation/confidence.ts'
import { type AtHand, MAX_CANDIDATES, ReadBack, type ScoredPair, SPAN } from '../correlation/read-back.ts'
import { BreakEven, type WarmCost } from '../strategy/break-even.ts'
import { STRATEGY_LIMITS, type StrategyName, strategyNamed } from '../strategy/named.ts'
import type { Candidate, Evidence, Limits, Strategy } from '../strategy/strategy.ts'
import { Throttle } from '../strategy/throttle.ts'

/** A proposed pair is read within SPAN reads, or a few times as many if others read too. Later, it is chance. */
const HORIZON_SPANS = 8

export interface NextReadsOptions {
  /** A name, or what makes a strategy with the limits that hold. */
  readonly strategy: StrategyName | ((limits: Limits) => Strategy)
  /** All pair ids are below this. */
  readonly maxPairs: number
  /** The most pairs whose reads are learned from at a time; all unless given. */
  readonly maxTracked?: number
  /** The most warms that the cache can hold. */
  readonly warmLimit: number
  readonly cache: AtHand
  readonly evidence: () => Evidence
  /** The cost of the cache's warms so far; nothing unless given. */
  readonly cost?: (() => WarmCost) | undefined
  /** The number of reads that are remembered, a power of two; 2²³ unless given. */
  readonly logReads?: number | undefined
}

/**
 * Finds the pairs worth warming after a read that no update asked for. The log of reads proposes pairs, and a strategy
 * chooses among them. The strategy `forewarm` takes every pair that pays (break-even.ts) and allocates no object for a
 * candidate.
 */
export class NextReads {
  /** The first `count` are worth warming after the last read, the likeliest last: warms are evicted in order. */
  readonly pairIds: Int32Array
  count = 0
  readonly #options: NextReadsOptions
  readonly #readBack: ReadBack
  /** Undefined if every pair that pays is taken. */
  #strategy: Strategy | undefined
  readonly #breakEven: BreakEven
  /** Limits the strategies that go by a score alone. For `forewarm`, the break-even does so, and better. */
  readonly #throttle: Throttle
  readonly #limit: number
  /** What one read may ask for. */
  #most = 0
  #leastScore = 0
  /** The number of warms that the next reads may ask for. */
  #credit: number

  constructor(options: NextReadsOptions) {
    const { strategy, maxPairs, maxTracked, warmLimit, logReads, cost = () => ({ warms: 0, missedSoon: 0 }) } = options
    const { maxPairs: most, minScore } = STRATEGY_LIMITS[typeof strategy === 'string' ? strategy : 'forewarm']
    const isOwn = strategy === 'forewarm'
    this.#options = options
    this.#limit = Math.max(1, warmLimit)
    this.#credit = this.#limit
    this.#breakEven = new BreakEven(cost)
    this.#throttle = new Throttle(options.evidence)
    this.#readBack = new ReadBack({
      ...{ maxPairs, maxTracked, logReads },
      confidence: new Confidence({ maxPairs, horizon: Math.min(HORIZON_SPANS * SPAN, this.#limit * HORIZON_PARTS) }),
      threshold: this.#breakEven.probability,
      limit: MAX_CANDIDATES,
    })
    this.pairIds = new Int32Array(MAX_CANDIDATES)
    this.bound({ maxPairs: most, minScore: isOwn ? undefined : minScore })
  }

  /** Reads that nothing was learned from because there was no room for their pair. */
  get readsNotTracked(): number {
    return this.#readBack.refusedReads
  }

  /** Pairs that made room for others because they had not been read for long. */
  get pairsRecycled(): number {
    return this.#readBack.recycled
  }

  /** From now on a read asks for no more pairs, and for none that is less likely. `forewarm` needs no score. */
  bound({ maxPairs, minScore }: { readonly maxPairs: number; readonly minScore: number | undefined }): void {
    const { strategy } = this.#options
    const isOwn = strategy === 'forewarm'
    this.#most = maxPairs
    this.#leastScore = minScore ?? 0
    const limits = { maxPairs, minScore: this.#leastScore }
    if (isOwn) this.#strategy = undefined
    else this.#strategy = typeof strategy === 'string' ? strategyNamed(strategy, limits) : strategy(limits)
    this.#readBack.threshold = this.#leastScore
    this.#readBack.limit = isOwn ? Math.min(maxPairs, this.#limit, MAX_CANDIDATES) : MAX_CANDIDATES
  }

  /** The pairs that are likely to be read after the pair, as reads so far say. Nothing is learned from asking. */
  following(pairId: number): readonly ScoredPair[] {
    return this.#readBack.following(pairId)
  }

  after(pairId: number): void {
    const back = this.#readBack
    if (this.#strategy === undefined) {
      this.#breakEven.read()
      back.threshold = Math.max(this.#leastScore, this.#breakEven.probability)
    }
    back.read(pairId, this.#options.cache)
    this.count = 0
    // A proposed pair is read within SPAN reads and must stay until then. Too many warms would evict each other.
    this.#credit = Math.min(this.#limit, this.#credit + this.#limit / SPAN)
    const most = Math.min(this.#most, Math.floor(this.#credit))
    if (back.count === 0 || most === 0) return
    if (this.#strategy === undefined) this.#take(back.pairIds, Math.min(back.count, most))
    else this.#choose(this.#strategy, most)
    this.#credit -= this.count
  }

  #choose(strategy: Strategy, most: number): void {
    const back = this.#readBack
    const candidates: Candidate[] = []
    for (let i = 0; i < back.count; i++)
      candidates.push({ pairId: back.pairIds[i] as number, score: back.scores[i] as number, lagMs: 0 })
    const { selected, next } = strategy.select(candidates, this.#options.evidence())
    if (next !== undefined) this.#strategy = next
    const chosen = selected.slice(0, most).filter(() => this.#throttle.allows())
    this.#take(
      chosen.map(({ pairId }) => pairId),
      chosen.length,
    )
  }

  /** Takes the first `count` pairs, in reverse order. */
  #take(pairIds: ArrayLike<number>, count: number): void {
    for (let i = count - 1; i >= 0; i--) this.pairIds[this.count++] = pairIds[i] as number
  }
}
