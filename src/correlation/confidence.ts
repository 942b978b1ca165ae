/**
 * How often proposals of a kind come true, counted and not assumed: each falls into a bucket by what was seen of it,
 * and each bucket counts its proposals and those whose pair was read within the horizon, whether it was warmed or not.
 * So nothing is warmed only to learn, and a kind that never comes true falls silent by itself.
 *
 * A pair is proposed after many reads before it is read, or is not. All of that is one proposal, and it counts for the
 * likeliest of its buckets: were it the first one, weak signs would be believed for what the strong ones after them
 * foretold.
 */

/** Of which a proposal may have been seen after as many. */
const PLACES = 15
const SIDE = PLACES + 1
const KINDS = 8
/** Weight of the guess that a bucket begins with, in proposals. */
const PRIOR = 10
/** Of appearances among places: without experience, a quarter of it is believed. */
const PRIOR_SHARE = 0.25
/** A bucket's counts are halved here, so that what was long ago fades. */
const MAX_PROPOSALS = 4096
const NONE = -1

export class Confidence {
  /** Reads after which a proposal has failed. */
  readonly horizon: number
  readonly #proposed = new Float64Array(SIDE * SIDE * KINDS).fill(PRIOR)
  readonly #read = new Float64Array(SIDE * SIDE * KINDS)
  /** By pair: when its last proposal that waits to be judged was made, and its bucket. */
  readonly #proposedAt: Float64Array
  readonly #bucket: Int16Array

  constructor(options: { readonly maxPairs: number; readonly horizon: number }) {
    this.horizon = options.horizon
    this.#proposedAt = new Float64Array(options.maxPairs).fill(NONE)
    this.#bucket = new Int16Array(options.maxPairs)
    for (let places = 1; places <= PLACES; places++)
      for (let appearances = 1; appearances <= places; appearances++)
        for (let kind = 0; kind < KINDS; kind++)
          this.#read[this.bucketOf(places, appearances, kind)] = (PRIOR * PRIOR_SHARE * appearances) / places
  }

  /** Seen after `appearances` of `places` (1 to 15 each), in one of eight ways. */
  bucketOf(places: number, appearances: number, kind: number): number {
    return (places * SIDE + appearances) * KINDS + kind
  }

  /** The probability, 0 to 1, that a proposal of the bucket is read within the horizon. */
  of(bucket: number): number {
    return (this.#read[bucket] as number) / (this.#proposed[bucket] as number)
  }

  /** Counted once until it is judged. */
  propose(pairId: number, bucket: number, now: number): void {
    const before = this.#proposedAt[pairId] as number
    if (before !== NONE && now - before <= this.horizon) {
      const counted = this.#bucket[pairId] as number
      if (this.of(bucket) <= this.of(counted)) return
      // What was counted before the bucket was halved may be more than is left of it.
      this.#proposed[counted] = Math.max(this.#read[counted] as number, (this.#proposed[counted] as number) - 1)
    }
    this.#proposedAt[pairId] = now
    this.#bucket[pairId] = bucket
    const proposed = (this.#proposed[bucket] as number) + 1
    if (proposed <= MAX_PROPOSALS) {
      this.#proposed[bucket] = proposed
      return
    }
    this.#proposed[bucket] = proposed / 2
    this.#read[bucket] = (this.#read[bucket] as number) / 2
  }

  /** The pair is read. */
  read(pairId: number, now: number): void {
    const before = this.#proposedAt[pairId] as number
    if (before === NONE) return
    this.#proposedAt[pairId] = NONE
    if (now - before > this.horizon) return
    const bucket = this.#bucket[pairId] as number
    this.#read[bucket] = Math.min(this.#proposed[bucket] as number, (this.#read[bucket] as number) + 1)
  }
}
