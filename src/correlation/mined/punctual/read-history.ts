import { enlarged } from '../../../enlarged.ts'

/** A chain's reads, so many stretches back as there is room: in the order of their times, of which a stretch's may overlap the one before. */
const MAX_READS = 2 ** 18
const FIRST_READS = 4_096
/** No read comes so late: it is that times are counted anew, as they are after 248 days (update-log.ts). */
const COUNTED_ANEW_MS = 3_600_000

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

  /** What was read before that is not known. */
  get sinceMs(): number {
    return this.count === 0 ? Number.POSITIVE_INFINITY : (this.timesMs[0] as number)
  }

  /** The first that is not before. */
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

  /** Whether it was read in that millisecond. */
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

  /** The older half goes where there is no more room to be had. */
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
