/** Warms of one kind that have ended: `used` were read before they left L1. */
export interface EndedWarms {
  readonly used: number
  readonly unused: number
}

/** A kind is judged anew after so many warms. */
const WINDOW = 200
/** A kind with a smaller share of used warms only costs, and is throttled. */
const TOO_FEW = 0.05
/** The throttle ends when this share of its tries is used: one or two of twenty may be by chance. */
const ENOUGH = 0.3
/** A throttled kind still tries one warm in so many: what does not pay today may pay tomorrow. */
export const TRY_EVERY = 50
/** Tries are few, so they are judged sooner. */
const TRY_WINDOW = 20

/** Throttles a kind of warms that nobody reads. It judges by what became of earlier warms, not by their scores. */
export class Throttle {
  readonly #ended: () => EndedWarms
  readonly #tooFew: number
  #usedBefore = 0
  #endedBefore = 0
  #asked = 0
  isThrottled = false
  /** The share of the warms judged last that were read; undefined before the first are judged. */
  accuracy: number | undefined

  /** `tooFew`: the share of used warms below which the kind is throttled. */
  constructor(ended: () => EndedWarms, tooFew = TOO_FEW) {
    this.#ended = ended
    this.#tooFew = tooFew
  }

  /** Whether the next warm of the kind may be asked for. */
  allows(): boolean {
    this.judge()
    return !this.isThrottled || this.#asked++ % TRY_EVERY === 0
  }

  /** Sets `isThrottled` and `accuracy` anew if enough warms have ended. */
  judge(): void {
    const { used, unused } = this.#ended()
    const ended = used + unused - this.#endedBefore
    if (ended < (this.isThrottled ? TRY_WINDOW : WINDOW)) return
    this.accuracy = (used - this.#usedBefore) / ended
    this.isThrottled = this.accuracy < (this.isThrottled ? ENOUGH : this.#tooFew)
    this.#usedBefore = used
    this.#endedBefore = used + unused
  }
}
