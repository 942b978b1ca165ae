/**
 * How often proposals come true, counted rather than assumed. Each proposal falls into a bucket by the evidence for it.
 * A bucket counts its proposals, and those whose pair was read within the horizon, warmed or not. So nothing is warmed
 * only to learn, and proposals that never come true cease by themselves.
 *
 * A pair may be proposed several times before it is read or the horizon has passed. All of that is one proposal, counted
 * in the likeliest of its buckets: in the first one, weak evidence would be credited with what stronger evidence foretold.
 */

/** The most occurrences that count as evidence for a proposal. */
const OCCURRENCES = 15
const SIDE = OCCURRENCES + 1
const KINDS = 8
/** A bucket begins with a guess that weighs as much as so many proposals. */
const PRIOR = 10
/** The guess is a quarter of the share of occurrences that the pair appeared after. */
const PRIOR_SHARE = 0.25
/** A bucket's counts are halved at so many proposals, so that old ones fade. */
const MAX_PROPOSALS = 4096

export class Confidence {
  /** A proposal comes true if its pair is among the next so many reads. */
  readonly horizon: number
  readonly #proposed = new Float64Array(SIDE * SIDE * KINDS).fill(PRIOR)
  readonly #read = new Float64Array(SIDE * SIDE * KINDS)
  /** `#read` ÷ `#proposed`. */
  readonly #probability = new Float64Array(SIDE * SIDE * KINDS)
  /** Two a pair, for its proposal not yet judged: the bucket + 1 (0: none), and the read it was made at, in 32 bits. */
  readonly #waiting: Int32Array

  constructor(options: { readonly maxPairs: number; readonly horizon: number }) {
    this.horizon = options.horizon
    this.#waiting = new Int32Array(options.maxPairs * 2)
    for (let occurrences = 1; occurrences <= OCCURRENCES; occurrences++)
      for (let appearances = 1; appearances <= occurrences; appearances++)
        for (let kind = 0; kind < KINDS; kind++)
          this.#count(
            this.bucketOf(occurrences, appearances, kind),
            PRIOR,
            (PRIOR * PRIOR_SHARE * appearances) / occurrences,
          )
  }

  /** The bucket of a pair that appeared after `appearances` of `occurrences` (1 to 15 each); `kind`: 0 to 7. */
  bucketOf(occurrences: number, appearances: number, kind: number): number {
    return (occurrences * SIDE + appearances) * KINDS + kind
  }

  /** The probability, 0 to 1, that a proposal of the bucket is read within the horizon. */
  of(bucket: number): number {
    return this.#probability[bucket] as number
  }

  /** Proposes the pair; until that is judged, further proposals of it are not counted again. */
  propose(pairId: number, bucket: number, now: number): void {
    const counted = (this.#waiting[pairId * 2] as number) - 1
    if (counted >= 0 && this.#since(pairId, now) <= this.horizon) {
      if (this.of(bucket) <= this.of(counted)) return
      // The bucket may have been halved since, so that less is left of it than is taken back.
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

  /** The pair is read: its waiting proposal has come true, unless that is too long ago. */
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
