import { monotonicMs } from '../../monotonic.ts'
import { decidedNow, type Origin } from '../sources/decided.ts'
import { FOLLOWS, type Sources, UNKNOWN_SOURCE } from '../sources/sources.ts'
import { ReadBounds } from './read-bounds.ts'

export interface FreshnessOptions {
  readonly sources: Sources
  /** Keeps the values of a pair fresh that other nodes follow, for as long as it is read. */
  readonly foreign?: { read(pairId: number, isCurrent: boolean): void; missed(pairId: number): void } | undefined
  /** Milliseconds of the clock of the sources' moments. */
  readonly now?: () => number
}

/** How long ago values were known to be the newest (sources.ts). */
export class Freshness {
  readonly #sources: Sources
  readonly #foreign: FreshnessOptions['foreign']
  readonly #now: () => number
  /** Reads of pairs whose updates arrive here, and of others. */
  readonly followed = new ReadBounds()
  readonly foreign = new ReadBounds()

  constructor({ sources, foreign, now = monotonicMs }: FreshnessOptions) {
    this.#sources = sources
    this.#foreign = foreign
    this.#now = now
  }

  /** L2 may have a newer value: this one is not kept the newest. */
  mayBeOutdated(origin: Origin): boolean {
    return decidedNow(origin, this.#sources).asOfMs !== FOLLOWS
  }

  /** A demand read met this value. Returns, in ms, at most how long ago it was known to be the newest; Infinity if unknown. */
  read(pairId: number, origin: Origin): number {
    const { source, asOfMs } = decidedNow(origin, this.#sources)
    const isFollowed = this.#sources.isFollowed(source)
    // A value without a source tells no more about who gets its updates than none.
    if (source === UNKNOWN_SOURCE) this.#foreign?.missed(pairId)
    else if (asOfMs !== FOLLOWS || !isFollowed) this.#foreign?.read(pairId, asOfMs === FOLLOWS)
    const nowMs = this.#now()
    const behindMs = Math.max(0, nowMs - (asOfMs === FOLLOWS ? this.#sources.asOf(source) : asOfMs))
    const bounds = isFollowed ? this.followed : this.foreign
    bounds.note(behindMs, nowMs)
    return behindMs
  }

  /** A demand read met no value in L1. Another node may be about to write one. */
  missed(pairId: number): void {
    this.#foreign?.missed(pairId)
  }

  /** The largest bound of recent reads, in ms. */
  largestMs(kind: 'followed' | 'foreign'): number {
    return this[kind].largestMs(this.#now())
  }
}
