/**
 * How often each pair was read in each of the last hours: what all predictions from history are made of. Hours are
 * counted since 1970, UTC; two bytes a pair and hour, a count stands still at 65,535.
 *
 *   hour 495812   [ 3 0 0 41 … ]   one count a pair
 *   hour 495813   [ 0 0 7 39 … ]
 *
 * Pure and synchronous; pairs are integers below `maxPairs`; time is passed in.
 */

export const HOUR_MS = 3_600_000
export const DAY_HOURS = 24
export const WEEK_HOURS = 168
/** Hours beyond the year 2100 are a mistake: one of them would replace all that is kept. */
export const LAST_HOUR = 1_150_000
const MOST = 65_535
const FIRST_PAIRS = 1_024

export class AccessHistory {
  readonly maxPairs: number
  /** Hours kept. */
  readonly hours: number
  /** Reads told, of pairs that are kept. */
  total = 0
  /** Not kept: reads of pairs beyond `maxPairs` or at no time. */
  refused = 0
  /** Not kept: reads longer ago than what is kept. */
  late = 0
  /** One row an hour, at the hour modulo `hours`. */
  #rows: Uint16Array[]
  /** By pair: the sum of its rows, so that what was not read is passed over. */
  #sums: Uint32Array
  #pairs = 0
  /** The first hour told, and the last. */
  #first = -1
  #last = -1

  constructor(options: { readonly maxPairs: number; readonly hours?: number }) {
    this.maxPairs = options.maxPairs
    this.hours = options.hours ?? WEEK_HOURS
    const capacity = Math.min(FIRST_PAIRS, options.maxPairs)
    this.#rows = Array.from({ length: this.hours }, () => new Uint16Array(capacity))
    this.#sums = new Uint32Array(capacity)
  }

  /** Pairs with ids below this may have been read. */
  get pairs(): number {
    return this.#pairs
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
    if (this.#keeps(pairId, hour, reads)) this.#add(pairId, hour, reads)
  }

  /** Reads that were told elsewhere: of what is known already of that hour the larger count is kept, so twice is once. */
  recordAtLeast(pairId: number, hour: number, reads: number): void {
    if (!this.#keeps(pairId, hour, reads)) return
    const missing = reads - this.in(pairId, hour)
    if (missing > 0) this.#add(pairId, hour, missing)
  }

  /** Time goes on to the hour, also where nothing is read; of an earlier hour, it is told that it was lived through. */
  advance(hour: number): void {
    if (this.#last < 0 || hour < this.#first) this.#first = hour
    const from = Math.max(this.#last + 1, hour - this.hours + 1)
    for (let each = from; each <= hour; each++) this.#clear(this.#rows[each % this.hours] as Uint16Array)
    this.#last = Math.max(this.#last, hour)
  }

  /** Whether the pair was read in the hours that are kept. */
  wasRead(pairId: number): boolean {
    return (this.#sums[pairId] ?? 0) > 0
  }

  /** Reads of the pair in the hour; 0 for what is not kept. */
  in(pairId: number, hour: number): number {
    if (hour > this.#last || hour < this.firstHour || hour < 0) return 0
    return this.#rows[hour % this.hours]?.[pairId] ?? 0
  }

  /** Reads of the pair from hour `from` to hour `to`, both inclusive. */
  between(pairId: number, from: number, to: number): number {
    let sum = 0
    if (!this.wasRead(pairId)) return 0
    for (let hour = Math.max(from, this.firstHour); hour <= Math.min(to, this.#last); hour++)
      sum += this.in(pairId, hour)
    return sum
  }

  /** Of each pair, its reads, those of each hour times a weight. Hour by hour, as they lie in memory: that is ten times as fast. */
  weighted(weightOf: (hour: number) => number): Float64Array {
    const sums = new Float64Array(this.#pairs)
    for (let hour = Math.max(0, this.firstHour); hour <= this.#last; hour++) {
      const weight = weightOf(hour)
      const row = this.#rows[hour % this.hours] as Uint16Array
      if (weight === 0) continue
      for (let pairId = 0; pairId < sums.length; pairId++)
        sums[pairId] = (sums[pairId] as number) + (row[pairId] as number) * weight
    }
    return sums
  }

  /** Makes room for the pair and the hour, or counts the reads as not kept. */
  #keeps(pairId: number, hour: number, reads: number): boolean {
    if (pairId >= this.maxPairs || !(hour >= 0 && hour <= LAST_HOUR)) {
      this.refused += reads
      return false
    }
    if (hour <= this.#last - this.hours) {
      this.late += reads
      return false
    }
    this.advance(hour)
    this.#reserve(pairId)
    return true
  }

  #add(pairId: number, hour: number, reads: number): void {
    const row = this.#rows[hour % this.hours] as Uint16Array
    const before = row[pairId] as number
    row[pairId] = Math.min(MOST, before + reads)
    this.#sums[pairId] = (this.#sums[pairId] as number) + (row[pairId] as number) - before
    this.total += reads
  }

  #clear(row: Uint16Array): void {
    for (let pairId = 0; pairId < this.#pairs; pairId++)
      if (row[pairId] !== 0) this.#sums[pairId] = (this.#sums[pairId] as number) - (row[pairId] as number)
    row.fill(0)
  }

  #reserve(pairId: number): void {
    this.#pairs = Math.max(this.#pairs, pairId + 1)
    const capacity = this.#rows[0]?.length ?? 0
    if (pairId < capacity) return
    let next = Math.max(capacity, 1)
    while (next <= pairId) next = Math.min(next * 2, this.maxPairs)
    const sums = new Uint32Array(next)
    sums.set(this.#sums)
    this.#sums = sums
    this.#rows = this.#rows.map((row) => {
      const larger = new Uint16Array(next)
      larger.set(row)
      return larger
    })
  }
}

export function hourOf(atMs: number): number {
  return Math.floor(atMs / HOUR_MS)
}
