import { enlarged } from '../../../../schemas/enlarged.ts'

/** At so many reads the older half is dropped. */
const MAX_READS = 2 ** 18
const FIRST_READS = 4_096
/** No read comes so late: a time so far back means that times have wrapped around, after 248 days (update-log.ts). */
const COUNTED_ANEW_MS = 3_600_000

/** A chain's reads in the order of their times. A stretch may begin before the last one ended. */
export class ReadHistory {
  /** The first `count` of both. */
  pairIds = new Int32Array(FIRST_READS)
  timesMs = new Float64Array(FIRST_READS)
  count = 0

  add(pairId: number, timeMs: number): void {
    if (this.count > 0 && (this.timesMs[this.count - 1] as number) - timeMs > COUNTED_ANEW_MS) this.count = 0
    if (this.count === this.timesMs.length) this.#makeRoom()
    let at = this.count++
    for (; at > 0 && (this.timesMs[at - 1] as number) > timeMs; at--) {
      this.timesMs[at] = this.timesMs[at - 1] as number
      this.pairIds[at] = this.pairIds[at - 1] as number
    }
    this.timesMs[at] = timeMs
    this.pairIds[at] = pairId
  }

  /** Reads before this time are not known. */
  get sinceMs(): number {
    return this.count === 0 ? Number.POSITIVE_INFINITY : (this.timesMs[0] as number)
  }

  /** The index of the first read at the time or after it. */
  indexAt(timeMs: number): number {
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.timesMs[middle] as number) < timeMs) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Whether the pair was read in that millisecond. */
  has(pairId: number, timeMs: number): boolean {
    return this.pairIds.subarray(this.indexAt(timeMs), this.indexAt(timeMs + 1)).includes(pairId)
  }

  forget(isForgotten: (pairId: number) => boolean): void {
    let kept = 0
    for (let at = 0; at < this.count; at++) {
      const pairId = this.pairIds[at] as number
      if (isForgotten(pairId)) continue
      this.pairIds[kept] = pairId
      this.timesMs[kept] = this.timesMs[at] as number
      kept++
    }
    this.count = kept
  }

  /** Doubles the tables up to MAX_READS; then drops the older half. */
  #makeRoom(): void {
    if (this.count < MAX_READS) {
      this.pairIds = enlarged(this.pairIds, new Int32Array(this.count * 2))
      this.timesMs = enlarged(this.timesMs, new Float64Array(this.count * 2))
      return
    }
    this.count /= 2
    this.pairIds.copyWithin(0, this.count)
    this.timesMs.copyWithin(0, this.count)
  }
}
