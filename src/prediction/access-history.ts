/**
 * How often each pair was read in each of the last hours: what all predictions from history are made of. Hours are
 * counted since 1970, UTC; two bytes a pair and hour, a count stands still at 65,535.
 *
 *   hour 495812   [ 3 0 0 41 … ]   one count a pair
 *   hour 495813   [ 0 0 7 39 … ]
 *
 * Of at most `maxPairs` pairs at a time: a pair's counts stand at its place, which is that of its own number where that
 * is free. Of a pair that was not read in the hours that are kept nothing is kept, so its place is as good as empty, and
 * goes to whoever needs one:
 *
 *   place     0    1    2    3
 *   pair      0    7    2    3      pair 1 was not read for a week when pair 7 came, and will look for a place when it is
 *
 * Pure and synchronous; pairs are integers; time is passed in.
 */

import { enlarged } from '../enlarged.ts'

export const HOUR_MS = 3_600_000
export const DAY_HOURS = 24
export const WEEK_HOURS = 168
/** Hours beyond the year 2100 are a mistake: one of them would replace all that is kept. */
export const LAST_HOUR = 1_150_000
const MOST = 65_535
const FIRST_PAIRS = 1_024
const NO_PLACE = -1
const NOBODY = -1

export class AccessHistory {
  readonly maxPairs: number
  /** Hours kept. */
  readonly hours: number
  /** Reads told, of pairs that are kept. */
  total = 0
  /** Not kept: reads of pairs for which all places were taken, or at no time. */
  refusedReads = 0
  /** Places that went to another pair, as nothing was left of the one whose they were. */
  recycled = 0
  /** Not kept: reads longer ago than what is kept. */
  late = 0
  /** One row an hour, at the hour modulo `hours`. */
  #rows: Uint16Array[]
  /** By place: the sum of its rows, so that what was not read is passed over. */
  #sums: Uint32Array
  /** By place: the pair whose it is; nobody's is kept for the pair of its number. */
  #owners: Int32Array
  /** Of the pairs that are not at the place of their own number. */
  readonly #guests = new Map<number, number>()
  #places = 0
  /** The places below it have reads. Only an hour that is forgotten empties some: then it begins anew. */
  #hand = 0
  /** The first hour told, and the last. */
  #first = -1
  #last = -1

  constructor(options: { readonly maxPairs: number; readonly hours?: number }) {
    this.maxPairs = options.maxPairs
    this.hours = options.hours ?? WEEK_HOURS
    const capacity = Math.min(FIRST_PAIRS, options.maxPairs)
    this.#rows = Array.from({ length: this.hours }, () => new Uint16Array(capacity))
    this.#sums = new Uint32Array(capacity)
    this.#owners = new Int32Array(capacity).fill(NOBODY)
  }

  /** Places below this may have reads. */
  get places(): number {
    return this.#places
  }

  /** The pair whose place it is, read or not. */
  pairAt(place: number): number {
    const owner = this.#owners[place]
    return owner === undefined || owner === NOBODY ? place : owner
  }

  /** The pairs that were read in the hours that are kept. */
  *pairIds(): Iterable<number> {
    for (let place = 0; place < this.#places; place++) if ((this.#sums[place] as number) > 0) yield this.pairAt(place)
  }

  /** Whether a read of the pair, now, would be kept. */
  hasRoomFor(pairId: number): boolean {
    return this.#find(pairId) >= 0 || this.#emptyPlace() >= 0
  }

  /** The newest hour told; -1 before the first. */
  get lastHour(): number {
    return this.#last
  }

  /** The oldest hour that is kept and was lived through. */
  get firstHour(): number {
    return Math.max(this.#first, this.#last - this.hours + 1)
  }

  record(pairId: number, atMs: number, reads = 1): void {
    const hour = hourOf(atMs)
    const place = this.#placeFor(pairId, hour, reads)
    if (place >= 0) this.#add(place, hour, reads)
  }

  /** Reads that were told elsewhere: of what is known already of that hour the larger count is kept, so twice is once. */
  recordAtLeast(pairId: number, hour: number, reads: number): void {
    const missing = reads - this.in(pairId, hour)
    const place = missing > 0 ? this.#placeFor(pairId, hour, reads) : NO_PLACE
    if (place >= 0) this.#add(place, hour, missing)
  }

  /** Time goes on to the hour, also where nothing is read; of an earlier hour, it is told that it was lived through. */
  advance(hour: number): void {
    if (this.#last < 0 || hour < this.#first) this.#first = hour
    const from = Math.max(this.#last + 1, hour - this.hours + 1)
    for (let each = from; each <= hour; each++) this.#clear(this.#rows[each % this.hours] as Uint16Array)
    if (hour > this.#last) this.#hand = 0
    this.#last = Math.max(this.#last, hour)
  }

  /** Whether the pair was read in the hours that are kept. */
  wasRead(pairId: number): boolean {
    return (this.#sums[this.#find(pairId)] ?? 0) > 0
  }

  /** Reads of the pair in the hour; 0 for what is not kept. */
  in(pairId: number, hour: number): number {
    if (hour > this.#last || hour < this.firstHour || hour < 0) return 0
    return this.#rows[hour % this.hours]?.[this.#find(pairId)] ?? 0
  }

  /** Reads of the pair from hour `from` to hour `to`, both inclusive. */
  between(pairId: number, from: number, to: number): number {
    let sum = 0
    if (!this.wasRead(pairId)) return 0
    for (let hour = Math.max(from, this.firstHour); hour <= Math.min(to, this.#last); hour++)
      sum += this.in(pairId, hour)
    return sum
  }

  /** Of each place, the reads of its pair, those of each hour times a weight. Hour by hour, as they lie in memory: that is ten times as fast. */
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

  /** The place where the reads are to be added; none where they are not kept, which is counted. */
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

  /** The pair's place, which is its from now on. */
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

  /** All places are gone through once an hour, however many pairs look for one. */
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
    let next = Math.max(capacity, 1)
    while (next <= place) next = Math.min(next * 2, this.maxPairs)
    this.#sums = enlarged(this.#sums, new Uint32Array(next))
    this.#owners = enlarged(this.#owners, new Int32Array(next).fill(NOBODY))
    this.#rows = this.#rows.map((row) => enlarged(row, new Uint16Array(next)))
  }
}

export function hourOf(atMs: number): number {
  return Math.floor(atMs / HOUR_MS)
}
