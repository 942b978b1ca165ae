import type { PairToWarm } from './pair-to-warm.ts'

/** The most edges that a pair can keep. */
export const READS_PER_PAIR = 16

/** Pairs that are read after an update, with the share of updates after which they are, and the lag. Reused by its owner. */
export class KnownReads {
  count = 0
  /** They are those of the pair's siblings. */
  areBorrowed = false
  readonly pairIds = new Int32Array(READS_PER_PAIR)
  readonly rates = new Float32Array(READS_PER_PAIR)
  readonly lagsMs = new Float32Array(READS_PER_PAIR)

  add(pairId: number, rate: number, lagMs: number): void {
    if (this.count >= READS_PER_PAIR) return
    this.pairIds[this.count] = pairId
    this.rates[this.count] = rate
    this.lagsMs[this.count] = lagMs
    this.count++
  }

  addNew(pairId: number, rate: number, lagMs: number): void {
    if (!this.includes(pairId)) this.add(pairId, rate, lagMs)
  }

  toWarm(): readonly PairToWarm[] {
    return Array.from({ length: this.count }, (_, i) => {
      const [score, lagMs] = [this.rates[i] as number, this.lagsMs[i] as number]
      const when = `${Math.round(lagMs)} ms after`
      const reason = this.areBorrowed
        ? `read by those who read the pair, or one of them, ${when} their updates`
        : `read ${when} the pair's updates, of late after ${Math.round(score * 100)} % of them`
      return { pairId: this.pairIds[i] as number, kind: 'read', score, lagMs, reason }
    })
  }

  includes(pairId: number): boolean {
    for (let i = 0; i < this.count; i++) if (this.pairIds[i] === pairId) return true
    return false
  }
}
