import { AsyncLocalStorage } from 'node:async_hooks'
import { createMining } from '../../node/caches.ts'
import type { IdHolder } from '../../src/cache/names/id-holders.ts'
import { Tracker } from '../../src/correlation/tracker.ts'
import type { OpenedCache } from '../levels.ts'
import type { ReadListener } from '../read-listeners.ts'

/** An update and the reads that were made because of it. */
export interface Turn {
  readonly pairId: number
  readonly eventTimeMs: number
  readonly beganMs: number
  /** Whoever has told of the update. */
  readonly by: object
  /** Bit e says that edge e of the tracker was read. */
  readEdges: number
  reads: number
  hits: number
  /** The number of turns before it. */
  readonly ordinal: number
  /** False if another analyzer beside the cache counts the same update for the control group. */
  readonly isMeasured: boolean
}

/** The analyzers of a cache, by its inside. */
const LISTENING = new WeakMap<OpenedCache, Set<Analyzer>>()

/** The most updates whose reads are still being counted. */
const MAX_TURNS = 65_536

/**
 * Learns from the updates that a caller records and from the reads of a cache.
 *
 *   recordPriceUpdate(A) ──► turn of A ── reads in the same call, and after its awaits ──► A → B, as in a node's handlers
 *                               └── settled after CORRELATION_WINDOW_MS: which edges were read, hits and misses
 *   a read outside any turn ──► read alone: what it follows is mined from the log
 *
 * A turn goes with the asynchronous context (AsyncLocalStorage), so reads of updates that are handled at the same time are
 * not mixed up. A read that comes later than the window belongs to no update.
 */
export class Analyzer implements ReadListener, IdHolder {
  readonly tracker: Tracker
  readonly #parts: OpenedCache
  readonly #windowMs: number
  readonly #context = new AsyncLocalStorage<Turn>()
  /** The turns that are not settled, the oldest first, from `#first` on. */
  #turns: Turn[] = []
  #first = 0
  #begun = 0
  #isEnded = false
  /** Ids that have gone to other pairs while turns were open: those that began before are not theirs. */
  readonly #forgotten = new Map<number, number>()
  /** The newest event time, and when it was recorded. */
  #newest = { eventTimeMs: 0, atMs: 0 }

  constructor(parts: OpenedCache, tracker: Tracker) {
    this.#parts = parts
    this.tracker = tracker
    this.#windowMs = parts.config.correlation.windowMs
  }

  /**
   * The pair's update is handled from now on by the caller, and by what it awaits. `by` is who tells: warmings that share the
   * analyzer may each be told of an update, which happened once.
   */
  updated({ pairId, eventTimeMs }: Pick<Turn, 'pairId' | 'eventTimeMs'>, nowMs: number, by: object): void {
    if (this.#isEnded) return
    const { turn: current } = this
    if (current !== undefined && current.by !== by && isSame(current, pairId, eventTimeMs)) return
    this.settle(nowMs)
    this.tracker.observe(pairId, eventTimeMs, this.#parts.caches.table.chainOf(pairId))
    if (eventTimeMs >= this.#newest.eventTimeMs) this.#newest = { eventTimeMs, atMs: nowMs }
    const isMeasured = !this.#others().some(({ turn: other }) => isSame(other, pairId, eventTimeMs))
    const counts = { readEdges: 0, reads: 0, hits: 0 }
    const turn: Turn = { pairId, eventTimeMs, beganMs: nowMs, ...counts, by, ordinal: this.#begun++, isMeasured }
    this.#turns.push(turn)
    this.#context.enterWith(turn)
  }

  /** The update that the caller handles; undefined outside any turn. */
  get turn(): Turn | undefined {
    const turn = this.#context.getStore()
    if (turn === undefined || turn.ordinal < this.#openFrom) return undefined
    return this.#isForgotten(turn) || this.#lagOf(turn) > this.#windowMs ? undefined : turn
  }

  /**
   * Whether the caller handles an update for which nothing is warmed, so that the others can be compared with it: no warming
   * beside the cache warms then, whichever of them the update was recorded with.
   */
  get isControl(): boolean {
    const { control } = this.#parts.caches
    if (control.share === 0) return false
    for (const { turn } of LISTENING.get(this.#parts) ?? [])
      if (turn !== undefined && control.includes(turn.pairId, turn.eventTimeMs)) return true
    return false
  }

  onRead(pairId: number, isHit: boolean, isWarmed: boolean): void {
    // What only a warm answered would have been a miss without it.
    this.learn(pairId, isHit, !isHit || isWarmed)
  }

  /** The pair is read, by the handlers of the turn if there is one. `isHit` is undefined if nobody tells. */
  learn(pairId: number, isHit: boolean | undefined, wouldMiss = isHit === false): void {
    const { turn, tracker } = this
    if (turn === undefined) tracker.readAlone(pairId)
    else {
      const edge = tracker.read(turn.pairId, pairId, this.#lagOf(turn))
      if (edge >= 0) turn.readEdges |= 1 << edge
      if (isHit !== undefined) turn.reads++
      if (isHit) turn.hits++
    }
    if (wouldMiss) tracker.missed(pairId, this.#parts.caches.table.chainOf(pairId), this.#eventTimeNow(turn))
  }

  /** Ends the turns that began a window ago, or all with an infinite time. */
  settle(nowMs: number): void {
    const turns = this.#turns
    while (this.#first < turns.length) {
      const turn = turns[this.#first] as Turn
      const isOver = nowMs - turn.beganMs > this.#windowMs || turns.length - this.#first > MAX_TURNS
      if (!isOver) break
      this.#first++
      this.#settled(turn)
    }
    for (const [pairId, begun] of this.#forgotten) {
      if (begun > this.#openFrom) break
      this.#forgotten.delete(pairId)
    }
    if (this.#first * 2 < turns.length || this.#first === 0) return
    this.#turns = turns.slice(this.#first)
    this.#first = 0
  }

  forget(pairId: number): void {
    this.tracker.forget(pairId)
    if (this.#openFrom === this.#begun) return
    // The oldest stand first, so that `settle` looks at those only that it takes away.
    this.#forgotten.delete(pairId)
    this.#forgotten.set(pairId, this.#begun)
  }

  /** Settles all turns, and learns from no update any more. */
  end(): void {
    this.settle(Number.POSITIVE_INFINITY)
    this.#isEnded = true
  }

  /** The ordinal of the oldest turn that is not settled, or of the next one. */
  get #openFrom(): number {
    return this.#begun - (this.#turns.length - this.#first)
  }

  #settled(turn: Turn): void {
    const { pairId, eventTimeMs, readEdges, reads, hits } = turn
    if (this.#isForgotten(turn)) return
    this.tracker.settle(pairId, readEdges)
    if (!turn.isMeasured) return
    this.#parts.caches.measurement.settled({ pairId, eventTimeMs }, reads, hits)
  }

  #isForgotten({ pairId, ordinal }: Turn): boolean {
    return this.#forgotten.size > 0 && ordinal < (this.#forgotten.get(pairId) ?? 0)
  }

  #others(): readonly Analyzer[] {
    const all = LISTENING.get(this.#parts)
    return all === undefined || all.size < 2 ? [] : [...all].filter((each) => each !== this)
  }

  #lagOf(turn: Turn): number {
    return this.#parts.clock.now() - turn.beganMs
  }

  /** Reads are logged among updates, so by event time: that of the update, or of the newest one, and the time since then. */
  #eventTimeNow(turn: Turn | undefined): number {
    if (turn !== undefined) return turn.eventTimeMs + this.#lagOf(turn)
    const { eventTimeMs, atMs } = this.#newest
    const nowMs = this.#parts.clock.now()
    return eventTimeMs === 0 ? nowMs : eventTimeMs + nowMs - atMs
  }
}

function isSame(turn: Turn | undefined, pairId: number, eventTimeMs: number): boolean {
  return turn?.pairId === pairId && turn.eventTimeMs === eventTimeMs
}

/** An analyzer that hears the reads of the cache. */
export interface OpenAnalyzer {
  readonly analyzer: Analyzer
  /** Ends it, or for one that is shared its last user does. */
  close(): Promise<void>
}

/** The cache's own analyzer, by its inside, as long as warmings use it. */
const SHARED = new WeakMap<OpenedCache, OpenAnalyzer & { users: number }>()

export function openAnalyzer(parts: OpenedCache, isShared: boolean): OpenAnalyzer {
  if (!isShared) return ownAnalyzer(parts)
  const known = SHARED.get(parts)
  if (known !== undefined) {
    known.users++
    return known
  }
  const listening = listened(parts, new Analyzer(parts, parts.caches.tracker))
  const shared = {
    analyzer: listening.analyzer,
    users: 1,
    async close(): Promise<void> {
      if (--shared.users > 0) return
      SHARED.delete(parts)
      listening.stop()
    },
  }
  SHARED.set(parts, shared)
  return shared
}

/** One that shares nothing with others: it has a tracker and a miner of its own. */
function ownAnalyzer(parts: OpenedCache): OpenAnalyzer {
  const { mined, mining } = createMining(parts)
  const { maxTrackedPairs: maxPairs, top } = parts.config.correlation
  const tracker = new Tracker({ maxPairs, top, ...(mined !== undefined && { mined }) })
  const listening = listened(parts, new Analyzer(parts, tracker))
  mining?.start()
  return {
    analyzer: listening.analyzer,
    async close() {
      listening.stop()
      await mining?.close()
    },
  }
}

function listened(parts: OpenedCache, analyzer: Analyzer): { readonly analyzer: Analyzer; stop(): void } {
  const listening = parts.listeners.add(analyzer)
  const letGo = parts.caches.table.keep(analyzer)
  const all = LISTENING.get(parts) ?? new Set<Analyzer>()
  LISTENING.set(parts, all.add(analyzer))
  return {
    analyzer,
    stop() {
      analyzer.end()
      listening.stop()
      all.delete(analyzer)
      letGo()
    },
  }
}
