import { type EndedWarms, Throttle } from './throttle.ts'

/** With a smaller share of used warms, the known reads do not foretell the next ones. */
const TOO_FEW = 0.2
/** A try lasts until so many warms were fetched, as they are judged together. */
const TRIED_WARMS = 40
/** Updates before the first try, and the most between two tries, as each costs a wait. */
const FIRST_REST = 512
const LONGEST_REST = 16_384
/** After so many warms without a rest, the next rest is a short one again. Tries may succeed by chance. */
const TRUSTED_WARMS = 2_000

/**
 * Says whether it pays to look ahead and to wait for what is fetched. If few of the warms are read, or reads are faster
 * than they, nothing is looked at for a while. Then some warms are tried again, later each time.
 */
export class Patience {
  readonly #throttle: Throttle
  #restUpdates = FIRST_REST
  #leftUpdates = FIRST_REST
  /** Fetched since the last rest. */
  #warms = 0

  /** `ended`: late warms count as unused. */
  constructor(ended: () => EndedWarms) {
    this.#throttle = new Throttle(ended, { tooFew: TOO_FEW })
  }

  /** Whether the next `updates` are handled without a look at their reads. */
  rests(updates: number): boolean {
    const wasResting = this.#throttle.isThrottled
    this.#throttle.judge()
    const isResting = this.#throttle.isThrottled
    if (isResting !== wasResting) this.#warms = 0
    if (isResting && !wasResting) this.#leftUpdates = this.#restUpdates
    if (!isResting || this.#leftUpdates <= 0) return false
    this.#leftUpdates -= updates
    return true
  }

  /** So many warms are fetched now. */
  fetches(warms: number): void {
    this.#warms += warms
    if (!this.#throttle.isThrottled) {
      if (this.#warms >= TRUSTED_WARMS) this.#restUpdates = this.#leftUpdates = FIRST_REST
      return
    }
    if (this.#warms < TRIED_WARMS) return
    this.#warms = 0
    this.#restUpdates = this.#leftUpdates = Math.min(2 * this.#restUpdates, LONGEST_REST)
  }
}
