/** What an update that is far ahead of those after it keeps out of a tape. */
export interface Overtaken<Place> {
  /** The update that is ahead: where it stands, and its event time. */
  readonly place: Place
  readonly eventTimeMs: number
  /** Of the first update that was left out for it. */
  readonly nextEventTimeMs: number
  /** Updates that were left out for it. */
  updates: number
}

/**
 * Feeds are out of order by seconds, and what is late is handled when it comes, as in a node. Behind by more than this,
 * it is rather the time of an update before that is wrong, and nothing is known of when the others came.
 */
const LATEST_MS = 60_000

/**
 * A clock finer than the feed's: updates of one event time stand a little apart, and what is late is as of the time
 * before it. What comes far behind an update before it has no time.
 */
export class Timeline<Place> {
  /** Of each update, whole microseconds since the epoch; never falling. */
  readonly timesUs: number[] = []
  /** Of each update, the first of those of its event time. */
  readonly batches: number[] = []
  /** Updates that were late. */
  backwards = 0
  /** Updates that are not in it. */
  leftOut = 0
  /** The update for which most were left out; undefined where none was. */
  overtaken: Overtaken<Place> | undefined
  readonly #spacingUs: number
  /** The update with the highest event time so far. */
  #highest: { readonly eventTimeMs: number; readonly place: Place } | undefined
  /** What was left out for it. */
  #behind: Overtaken<Place> | undefined

  constructor(spacingUs: number) {
    this.#spacingUs = spacingUs
  }

  /** Whether an update of that time is too far behind to be added, which is counted. */
  leavesOut(eventTimeMs: number): boolean {
    const highest = this.#highest
    if (highest === undefined || highest.eventTimeMs - eventTimeMs <= LATEST_MS) return false
    this.leftOut++
    this.#behind ??= { ...highest, nextEventTimeMs: eventTimeMs, updates: 0 }
    this.#behind.updates++
    if (this.#behind.updates > (this.overtaken?.updates ?? 0)) this.overtaken = this.#behind
    return true
  }

  add(eventTimeMs: number, place: Place): void {
    const at = this.timesUs.length
    const before = this.timesUs[at - 1] ?? Number.NEGATIVE_INFINITY
    const highestMs = this.#highest?.eventTimeMs ?? Number.NEGATIVE_INFINITY
    if (eventTimeMs < highestMs) this.backwards++
    if (eventTimeMs > highestMs) {
      this.#highest = { eventTimeMs, place }
      this.#behind = undefined
      this.timesUs.push(Math.max(eventTimeMs * 1000, before))
      this.batches.push(at)
      return
    }
    this.timesUs.push(before + this.#spacingUs)
    this.batches.push(this.batches[at - 1] ?? 0)
  }
}
