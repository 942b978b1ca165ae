import { NO_SLOT, type SlotQueues } from './queues/slot-queues.ts'
import { isAhead, type WarmCounts, WarmTally } from './usage.ts'

/** The queues of warms, behind those of the demand part. */
const WARM = 3
const AHEAD = 4
export const QUEUES = 5

/** The horizon of a warm, in demand reads, as a multiple of the warm part's size. */
export const HORIZON_PARTS = 2
/** That of warms by history, which are for an hour to come, and not for what is read next. */
const AHEAD_PARTS = 40

/** Knows the warms in slots: their kinds, and which of them goes next. Times are numbers of demand reads. */
export class WarmPart {
  readonly tally = new WarmTally()
  readonly #queues: SlotQueues
  /** The kind of the warm in each slot, with its cell (`warmCode`). */
  readonly #kind: Uint8Array
  /** The demand read at which the warm in each slot was admitted or renewed. */
  readonly #bornAt: Float64Array

  constructor(queues: SlotQueues, slots: number) {
    this.#queues = queues
    this.#kind = new Uint8Array(slots)
    this.#bornAt = new Float64Array(slots)
  }

  get size(): number {
    return (this.#queues.sizes[WARM] as number) + (this.#queues.sizes[AHEAD] as number)
  }

  has(slot: number): boolean {
    return (this.#queues.of[slot] as number) >= WARM
  }

  /** Takes in a slot that stands in no queue. */
  add(slot: number, kind: number, now: number): void {
    this.#kind[slot] = kind
    this.count(slot, 'admitted')
    this.#bornAt[slot] = now
    this.#queues.push(slot, isAhead(kind) ? AHEAD : WARM)
  }

  /** The warm counts as a new one. */
  renew(slot: number, now: number): void {
    this.#bornAt[slot] = now
    this.#queues.move(slot, this.#queues.of[slot] as number)
  }

  count(slot: number, what: keyof WarmCounts): void {
    this.tally.count(this.#kind[slot] as number, what)
  }

  /** The warm that has been there longest; NO_SLOT if there is none. */
  get oldest(): number {
    const next = this.#queues.tails[WARM] as number
    const ahead = this.#queues.tails[AHEAD] as number
    if (next === NO_SLOT || ahead === NO_SLOT) return Math.max(next, ahead)
    return (this.#bornAt[ahead] as number) < (this.#bornAt[next] as number) ? ahead : next
  }

  /** A warm whose horizon is over; NO_SLOT if there is none. `limit` is the most slots that warms may hold. */
  expired(now: number, limit: number): number {
    const next = this.#queues.tails[WARM] as number
    if (this.#isOver(next, now - limit * HORIZON_PARTS)) return next
    const ahead = this.#queues.tails[AHEAD] as number
    return this.#isOver(ahead, now - limit * AHEAD_PARTS) ? ahead : NO_SLOT
  }

  #isOver(slot: number, bornBefore: number): boolean {
    return slot !== NO_SLOT && (this.#bornAt[slot] as number) < bornBefore
  }
}
