/**
 * Gives each tracked pair a place, 0 to `places` − 1, under which all that is learned of it is kept. When all places are
 * taken, a new pair gets the place of a pair that was not seen for long, roughly the one unseen for longest. If there is
 * no such pair, the new one gets no place. A pair is seen when it is updated or read; event times play no part.
 *
 * `onGiven` tells that a place has changed hands: all that is kept under it must then be dropped.
 */

import { enlarged } from '../../schemas/enlarged.ts'

/** Places that are looked at for a new pair; the one unseen for longest among them is given away. */
const LOOKED_AT = 16
/** A pair that was not seen for this × `places` sightings may lose its place. */
const KEPT_FOR = 4
/** A pair seen again within `places` ÷ this sightings is not counted anew: a few busy pairs would age all others. */
const AGAIN = 16
const FIRST_PAIRS = 1_024
const NO_PAIR = -1

export class TrackedPairs {
  readonly places: number
  readonly #onGiven: (place: number, pairId: number) => void
  /** Indexed by pair id: its place + 1, 0 if it has none. */
  #placeOf: Int32Array<ArrayBuffer>
  /** Indexed by place. */
  readonly #pairIds: number[] = []
  /** Indexed by place: the number of the sighting at which its pair was last seen. */
  readonly #seenAt: number[] = []
  /** Places that were released. */
  readonly #free: number[] = []
  #sightings = 0
  #hand = 0

  /** `onGiven`: the place was taken from the pair and is being given to another. */
  constructor(places: number, onGiven: (place: number, pairId: number) => void) {
    this.places = places
    this.#onGiven = onGiven
    this.#placeOf = new Int32Array(FIRST_PAIRS)
  }

  /** The pair's place; −1 if it has none. */
  find(pairId: number): number {
    return (this.#placeOf[pairId] ?? 0) - 1
  }

  /** Places that were given to a pair at some time. */
  get used(): number {
    return this.#pairIds.length
  }

  /** The pair at the place; −1 if there is none. */
  pairAt(place: number): number {
    return this.#pairIds[place] ?? NO_PAIR
  }

  /** The pair is seen. Returns its place, or −1 if all are taken by pairs that were seen lately. */
  see(pairId: number): number {
    const known = this.find(pairId)
    if (known >= 0 && this.#sightings - (this.#seenAt[known] as number) <= this.places / AGAIN) return known
    this.#sightings++
    const place = known >= 0 ? known : this.#give(pairId)
    if (place >= 0) this.#seenAt[place] = this.#sightings
    return place
  }

  /** Frees the pair's place for the next new pair. Returns it, or −1 if the pair had none. */
  release(pairId: number): number {
    const place = this.find(pairId)
    if (place < 0) return place
    this.#placeOf[pairId] = 0
    this.#pairIds[place] = NO_PAIR
    this.#free.push(place)
    return place
  }

  #give(pairId: number): number {
    if (!(pairId >= 0)) return -1
    const unused = this.#pairIds.length
    const place = this.#free.pop() ?? (unused < this.places ? unused : this.#longestUnseen())
    if (place < 0) return place
    const before = this.pairAt(place)
    if (before >= 0) {
      this.#placeOf[before] = 0
      this.#onGiven(place, before)
    }
    if (pairId >= this.#placeOf.length) this.#reserve(pairId)
    this.#placeOf[pairId] = place + 1
    this.#pairIds[place] = pairId
    return place
  }

  #longestUnseen(): number {
    let place = -1
    let seenAt = this.#sightings - KEPT_FOR * this.places
    for (let looked = Math.min(LOOKED_AT, this.places); looked > 0; looked--) {
      this.#hand = (this.#hand + 1) % this.places
      if ((this.#seenAt[this.#hand] as number) >= seenAt) continue
      place = this.#hand
      seenAt = this.#seenAt[place] as number
    }
    return place
  }

  #reserve(pairId: number): void {
    this.#placeOf = enlarged(this.#placeOf, new Int32Array(Math.max(this.#placeOf.length * 2, pairId + 1)))
  }
}
