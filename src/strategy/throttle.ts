/** Warms of one kind that have ended: `used` were read before they left L1. */
export interface EndedWarms {
  readonly used: number
  readonly unused: number
}

/** What a kind of warms is judged by: shares of warms that were used. */
export interface Judgement {
  /** A kind with a smaller share only costs, and is throttled. */
  readonly tooFew: number
  /** The throttle ends when this share of its tries is used. */
  readonly enough: number
  /** A kind is judged anew after so many warms. */
  readonly window: number
}

/** For warms of what is read next. One or two of twenty tries may be used by chance. */
const USUAL: Judgement = { tooFew: 0.05, enough: 0.3, window: 200 }
/** A throttled kind still tries one warm in so many: what does not pay today may pay tomorrow. */
export const TRY_EVERY = 50
/** Tries are few, so they are judged sooner. */
const TRY_WINDOW = 20

/** Throttles a kind of warms that nobody reads. It judges by what became of earlier warms, not by their scores. */
export class Throttle {
  readonly #ended: () => EndedWarms
  readonly #by: Judgement
  #usedBefore = 0
  #endedBefore = 0
  #asked = 0
  isThrottled = false
  /** The share of the warms judged last that were read; undefined before the first are judged. */
  accuracy: number | undefined

  constructor(ended: () => EndedWarms, by: Partial<Judgement> = {}) {
    this.#ended = ended
    this.#by = { ...USUAL, ...by }
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
    const { window, tooFew, enough } = this.#by
    if (ended < (this.isThrottled ? TRY_WINDOW : window)) return
    this.accuracy = (used - this.#usedBefore) / ended
    this.isThrottled = this.accuracy < (this.isThrottled ? enough : tooFew)
    this.#usedBefore = used
    this.#endedBefore = used + unused
  }
}
