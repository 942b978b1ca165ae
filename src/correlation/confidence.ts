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

export class Confidence {
  /** Reads after which a proposal has failed. */
  readonly horizon: number
  readonly #proposed = new Float64Array(SIDE * SIDE * KINDS).fill(PRIOR)
  readonly #read = new Float64Array(SIDE * SIDE * KINDS)
  /** Of the two, the one ÷ the other. */
  readonly #probability = new Float64Array(SIDE * SIDE * KINDS)
  /** Two a pair: of its last proposal that waits to be judged, the bucket + 1, 0 for none, and when it was made, in 32 bits. */
  readonly #waiting: Int32Array

  constructor(options: { readonly maxPairs: number; readonly horizon: number }) {
    this.horizon = options.horizon
    this.#waiting = new Int32Array(options.maxPairs * 2)
    for (let places = 1; places <= PLACES; places++)
      for (let appearances = 1; appearances <= places; appearances++)
        for (let kind = 0; kind < KINDS; kind++)
          this.#count(this.bucketOf(places, appearances, kind), PRIOR, (PRIOR * PRIOR_SHARE * appearances) / places)
  }

  /** Seen after `appearances` of `places` (1 to 15 each), in one of eight ways. */
  bucketOf(places: number, appearances: number, kind: number): number {
    return (places * SIDE + appearances) * KINDS + kind
  }

  /** The probability, 0 to 1, that a proposal of the bucket is read within the horizon. */
  of(bucket: number): number {
    return this.#probability[bucket] as number
  }

  /** Counted once until it is judged. */
  propose(pairId: number, bucket: number, now: number): void {
    const counted = (this.#waiting[pairId * 2] as number) - 1
    if (counted >= 0 && this.#since(pairId, now) <= this.horizon) {
      if (this.of(bucket) <= this.of(counted)) return
      // What was counted before the bucket was halved may be more than is left of it.
      const read = this.#read[counted] as number
      this.#count(counted, Math.max(read, (this.#proposed[counted] as number) - 1), read)
    }
    this.#waiting[pairId * 2] = bucket + 1
    this.#waiting[pairId * 2 + 1] = now
    const proposed = (this.#proposed[bucket] as number) + 1
    const read = this.#read[bucket] as number
    if (proposed <= MAX_PROPOSALS) this.#count(bucket, proposed, read)
    else this.#count(bucket, proposed / 2, read / 2)
  }

  /** The pair is read. */
  read(pairId: number, now: number): void {
    const bucket = (this.#waiting[pairId * 2] as number) - 1
    if (bucket < 0) return
    this.#waiting[pairId * 2] = 0
    if (this.#since(pairId, now) > this.horizon) return
    const proposed = this.#proposed[bucket] as number
    this.#count(bucket, proposed, Math.min(proposed, (this.#read[bucket] as number) + 1))
  }

  #since(pairId: number, now: number): number {
    return (now - (this.#waiting[pairId * 2 + 1] as number)) >>> 0
  }

  #count(bucket: number, proposed: number, read: number): void {
    this.#proposed[bucket] = proposed
    this.#read[bucket] = read
    this.#probability[bucket] = read / proposed
  }
}
