import type { PairToWarm } from './pair-to-warm.ts'

/** A pair that is read after another pair's updates. */
export interface ReadEdge {
  readonly pairId: number
  readonly rate: number
  readonly lagMs: number
}

/** The most edges that a pair keeps. */
export const READS_PER_PAIR = 16

/** The pairs that are read after a pair's updates, each with its rate (the share of these updates) and lag. Reused. */
export class KnownReads {
  count = 0
  /** The pair has no reads of its own yet: these are its siblings'. */
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

  edges(): readonly ReadEdge[] {
    return Array.from({ length: this.count }, (_, i) => ({
      ...{ pairId: this.pairIds[i] as number, rate: this.rates[i] as number, lagMs: this.lagsMs[i] as number },
    }))
  }

  /** The evidence for one of them, in words. */
  reasonOf({ score, lagMs }: Pick<PairToWarm, 'score' | 'lagMs'>): string {
    const when = `${Math.round(lagMs)} ms after`
    if (this.areBorrowed) return `a reader of the pair, or read by one, ${when} the reader's updates`
    return `read ${when} the pair's updates, of late after ${Math.round(score * 100)} % of them`
  }

  includes(pairId: number): boolean {
    for (let i = 0; i < this.count; i++) if (this.pairIds[i] === pairId) return true
    return false
  }
}
