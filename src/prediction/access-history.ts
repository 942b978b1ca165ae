/**
 * Counts how often each pair was read in each of the last hours. All predictions from history are made from that. Hours
 * are counted since 1970, UTC. A count takes two bytes a pair and hour, and stops at 65,535.
 *
 *   hour 495812   [ 3 0 0 41 … ]   one count a pair
 *   hour 495813   [ 0 0 7 39 … ]
 *
 * At most `maxPairs` pairs are kept at a time. A pair's counts stand at its place, which has the pair's own number if
 * that is free. A pair that was not read in the kept hours has no counts, so its place goes to the next pair that needs
 * one:
 *
 *   place     0    1    2    3
 *   pair      0    7    2    3      pair 1 was not read for a week when pair 7 came; it gets another place when it is read
 *
 * Pure and synchronous; pairs are integers; time is passed in.
 */

import { enlarged, lengthFor } from '../../schemas/enlarged.ts'

export const HOUR_MS = 3_600_000
export const DAY_HOURS = 24
export const WEEK_HOURS = 168
/** Later hours, beyond the year 2100, are a mistake: one of them would replace all that is kept. */
export const LAST_HOUR = 1_150_000
const MOST = 65_535
const FIRST_PAIRS = 1_024
const NO_PLACE = -1
const NOBODY = -1

export class AccessHistory {
  readonly maxPairs: number
  /** The number of hours that are kept. */
  readonly hours: number
  /** Reads that were recorded. */
  total = 0
  /** Reads that were not recorded, as there was no place for their pair, or as their time is invalid. */
  refusedReads = 0
  /** Places that went to another pair, as their own had no reads left. */
  recycled = 0
  /** Reads that were not recorded, as they are older than the kept hours. */
  late = 0
  /** One row an hour, at the index hour modulo `hours`. */
  #rows: Uint16Array[]
  /** Indexed by place: the sum over all rows, so that pairs that were not read are passed over. */
  #sums: Uint32Array
  /** Indexed by place: its pair; NOBODY if it is still kept for the pair with its number. */
  #owners: Int32Array
  /** The places of pairs that are not at the place with their own number. */
  readonly #guests = new Map<number, number>()
  #places = 0
  /** All places below it have reads. It returns to 0 when an hour is dropped, which may empty some. */
  #hand = 0
  /** The first hour that is known, and the last; −1 before any. */
  #first = -1
  #last = -1

  constructor({ maxPairs, hours = WEEK_HOURS }: { readonly maxPairs: number; readonly hours?: number | undefined }) {
    this.maxPairs = maxPairs
    this.hours = hours
    const capacity = Math.min(FIRST_PAIRS, maxPairs)
    this.#rows = Array.from({ length: this.hours }, () => new Uint16Array(capacity))
    this.#sums = new Uint32Array(capacity)
    this.#owners = new Int32Array(capacity).fill(NOBODY)
  }

  /** Only places below this may have reads. */
  get places(): number {
    return this.#places
  }

  /** The pair at the place, read or not. */
  pairAt(place: number): number {
    const owner = this.#owners[place]
    return owner === undefined || owner === NOBODY ? place : owner
  }

  /** The pairs that were read in the kept hours. */
  *pairIds(): Iterable<number> {
    for (let place = 0; place < this.#places; place++) if ((this.#sums[place] as number) > 0) yield this.pairAt(place)
  }

  /** Whether a read of the pair would be recorded now. */
  hasRoomFor(pairId: number): boolean {
    return this.#find(pairId) >= 0 || this.#emptyPlace() >= 0
  }

  /** The newest hour; −1 before any. */
  get lastHour(): number {
    return this.#last
  }

  /** The oldest known hour that is still kept. */
  get firstHour(): number {
    return Math.max(this.#first, this.#last - this.hours + 1)
  }

  record(pairId: number, atMs: number, reads = 1): void {
    const hour = hourOf(atMs)
    const place = this.#placeFor(pairId, hour, reads)
    if (place >= 0) this.#add(place, hour, reads)
  }

  /**
   * Records reads that were counted elsewhere. The larger count of an hour stays, so that the same reads count once.
   * Returns how many were added.
   */
  recordAtLeast(pairId: number, hour: number, reads: number): number {
    const missing = reads - this.in(pairId, hour)
    const place = missing > 0 ? this.#placeFor(pairId, hour, reads) : NO_PLACE
    if (place < 0) return 0
    this.#add(place, hour, missing)
    return missing
  }

  /** Time goes on to the hour, even if nothing is read. An hour before the first one becomes known, too. */
  advance(hour: number): void {
    if (this.#last < 0 || hour < this.#first) this.#first = hour
    const from = Math.max(this.#last + 1, hour - this.hours + 1)
    for (let each = from; each <= hour; each++) this.#clear(this.#rows[each % this.hours] as Uint16Array)
    if (hour > this.#last) this.#hand = 0
    this.#last = Math.max(this.#last, hour)
  }

  /** The id goes to another pair: its reads are not that one's. */
  forget(pairId: number): void {
    const place = this.#find(pairId)
    if (place < 0 || (this.#sums[place] ?? 0) === 0) return
    for (const row of this.#rows) row[place] = 0
    this.#sums[place] = 0
    this.#hand = Math.min(this.#hand, place)
  }

  /** Whether the pair was read in the kept hours. */
  wasRead(pairId: number): boolean {
    return (this.#sums[this.#find(pairId)] ?? 0) > 0
  }

  /** Reads of the pair in the hour; 0 if the hour or the pair is not kept. */
  in(pairId: number, hour: number): number {
    if (hour > this.#last || hour < this.firstHour || hour < 0) return 0
    return this.#rows[hour % this.hours]?.[this.#find(pairId)] ?? 0
  }

  /** Reads of the pair in the hours `from` to `to`, both inclusive. */
  between(pairId: number, from: number, to: number): number {
    let sum = 0
    if (!this.wasRead(pairId)) return 0
    for (let hour = Math.max(from, this.firstHour); hour <= Math.min(to, this.#last); hour++)
      sum += this.in(pairId, hour)
    return sum
  }

  /** The reads at each place, weighted by hour. Goes hour by hour, as counts lie in memory: that is ten times as fast. */
  weighted(weightOf: (hour: number) => number): Float64Array {
    const sums = new Float64Array(this.#places)
    for (let hour = Math.max(0, this.firstHour); hour <= this.#last; hour++) {
      const weight = weightOf(hour)
      const row = this.#rows[hour % this.hours] as Uint16Array
      if (weight === 0) continue
      for (let place = 0; place < sums.length; place++)
        sums[place] = (sums[place] as number) + (row[place] as number) * weight
    }
    return sums
  }

  /** The place to add the reads to; NO_PLACE, and counted, if they are not recorded. */
  #placeFor(pairId: number, hour: number, reads: number): number {
    if (hour <= this.#last - this.hours && hour >= 0) {
      this.late += reads
      return NO_PLACE
    }
    const isSome = pairId >= 0 && hour >= 0 && hour <= LAST_HOUR
    if (isSome) this.advance(hour)
    const place = isSome ? this.#give(pairId) : NO_PLACE
    if (place < 0) this.refusedReads += reads
    return place
  }

  #find(pairId: number): number {
    const owner = this.#owners[pairId]
    if (owner === undefined ? pairId < this.maxPairs : owner === NOBODY || owner === pairId) return pairId
    return this.#guests.get(pairId) ?? NO_PLACE
  }

  /** The pair's place; gives it one if it has none. */
  #give(pairId: number): number {
    const known = this.#find(pairId)
    const place = known >= 0 ? known : this.#emptyPlace()
    if (place < 0) return place
    this.#reserve(place)
    const before = this.#owners[place] as number
    if (before === pairId) return place
    this.#owners[place] = pairId
    if (before !== NOBODY) this.recycled++
    this.#guests.delete(before)
    if (place !== pairId) this.#guests.set(pairId, place)
    return place
  }

  /** A place without reads. All places are passed once an hour, however many pairs need one. */
  #emptyPlace(): number {
    while ((this.#sums[this.#hand] ?? 0) > 0) this.#hand++
    return this.#hand < this.maxPairs ? this.#hand : NO_PLACE
  }

  #add(place: number, hour: number, reads: number): void {
    const row = this.#rows[hour % this.hours] as Uint16Array
    const before = row[place] as number
    row[place] = Math.min(MOST, before + reads)
    this.#sums[place] = (this.#sums[place] as number) + (row[place] as number) - before
    this.total += reads
  }

  #clear(row: Uint16Array): void {
    for (let place = 0; place < this.#places; place++)
      if (row[place] !== 0) this.#sums[place] = (this.#sums[place] as number) - (row[place] as number)
    row.fill(0)
  }

  #reserve(place: number): void {
    this.#places = Math.max(this.#places, place + 1)
    const capacity = this.#sums.length
    if (place < capacity) return
    const next = lengthFor(place, capacity, this.maxPairs)
    this.#sums = enlarged(this.#sums, new Uint32Array(next))
    this.#owners = enlarged(this.#owners, new Int32Array(next).fill(NOBODY))
    this.#rows = this.#rows.map((row) => enlarged(row, new Uint16Array(next)))
  }
}

export function hourOf(atMs: number): number {
  return Math.floor(atMs / HOUR_MS)
}
