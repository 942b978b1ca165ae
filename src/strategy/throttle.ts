/** Warms of one kind that have ended: read before they left, or not. */
export interface EndedWarms {
  readonly used: number
  readonly unused: number
}

/** Warms after which a kind is judged anew. */
const WINDOW = 200
/** A kind of which fewer are used only costs. */
const TOO_FEW = 0.05
/** It is let on again when so many of its tries are: by chance, one or two of twenty may be. */
const ENOUGH = 0.3
/** While throttled, one in so many is tried all the same: what does not pay today may pay tomorrow. */
const TRY_EVERY = 50
/** As they are few, tries are judged sooner. */
const TRY_WINDOW = 20

/** Keeps a kind of warms that nobody reads from going on: by what became of those before, not by what it promises. */
export class Throttle {
  readonly #ended: () => EndedWarms
  #usedBefore = 0
  #endedBefore = 0
  #asked = 0
  isThrottled = false
  /** The share of the warms judged last that were read; undefined before the first are judged. */
  accuracy: number | undefined

  constructor(ended: () => EndedWarms) {
    this.#ended = ended
  }

  /** Whether the next warm of the kind may be asked for. */
  allows(): boolean {
    this.#judge()
    return !this.isThrottled || this.#asked++ % TRY_EVERY === 0
  }

  #judge(): void {
    const { used, unused } = this.#ended()
    const ended = used + unused - this.#endedBefore
    if (ended < (this.isThrottled ? TRY_WINDOW : WINDOW)) return
    this.accuracy = (used - this.#usedBefore) / ended
    this.isThrottled = this.accuracy < (this.isThrottled ? ENOUGH : TOO_FEW)
    this.#usedBefore = used
    this.#endedBefore = used + unused
  }
}
