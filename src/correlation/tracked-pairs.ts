/**
 * Which pairs are tracked: each has a place, 0 to `places` − 1, by which all that is learned of it is kept. Where all are
 * taken, a new pair gets the place of one that was not seen for long, and of these, roughly, of the one not seen for
 * longest; where there is none, it gets no place. Seen means: updated or read, in the order in which it came, whatever the
 * event times say.
 *
 * What points to a place must know that it is another pair's from then on (`onGiven`); what points to pairs by their ids
 * needs not.
 */

import { enlarged } from '../enlarged.ts'

/** Looked at for a new pair. Up to so many places, the one that goes is the one seen longest ago. */
const LOOKED_AT = 16
/** A pair keeps its place while there come fewer sightings than so many a place. */
const KEPT_FOR = 4
/** A pair seen again within this part of a sighting a place is not seen anew: a few busy pairs would age all others. */
const AGAIN = 16
const FIRST_PAIRS = 1_024
const NO_PAIR = -1

export class TrackedPairs {
  readonly places: number
  readonly #onGiven: (place: number) => void
  /** By pair id: its place + 1, 0 where it has none. */
  #placeOf: Int32Array<ArrayBuffer>
  /** By place. */
  readonly #pairIds: number[] = []
  /** By place: at which sighting it was last seen. */
  readonly #seenAt: number[] = []
  /** Places of pairs that were let go. */
  readonly #free: number[] = []
  #sightings = 0
  #hand = 0

  /** `onGiven`: the place is taken from a pair, for another one. */
  constructor(places: number, onGiven: (place: number) => void) {
    this.places = places
    this.#onGiven = onGiven
    this.#placeOf = new Int32Array(FIRST_PAIRS)
  }

  /** −1 where the pair has none. */
  find(pairId: number): number {
    return (this.#placeOf[pairId] ?? 0) - 1
  }

  /** The pair whose place it is; −1 where it is nobody's. */
  pairAt(place: number): number {
    return this.#pairIds[place] ?? NO_PAIR
  }

  /** The pair is seen; its place, or −1 where all are taken by pairs seen of late. */
  see(pairId: number): number {
    const known = this.find(pairId)
    if (known >= 0 && this.#sightings - (this.#seenAt[known] as number) <= this.places / AGAIN) return known
    this.#sightings++
    const place = known >= 0 ? known : this.#give(pairId)
    if (place >= 0) this.#seenAt[place] = this.#sightings
    return place
  }

  /** The pair's place is the next newcomer's. Which one it was, −1 where it had none. */
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
      this.#onGiven(place)
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
