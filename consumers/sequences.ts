import { enlarged } from '../schemas/enlarged.ts'

/** Watches the source's own count, so that a restart of it is noticed. Event time orders the updates all the same. */
export class Sequences {
  #last = new Float64Array(1024)

  forget(pairId: number): void {
    this.#last[pairId] = 0
  }

  /** Whether the sequence is lower than the pair's last one. It is NaN for an update without one. */
  isBack(pairId: number, sequence: number): boolean {
    if (Number.isNaN(sequence)) return false
    if (pairId >= this.#last.length) this.#last = enlarged(this.#last, new Float64Array(pairId * 2))
    const isBack = sequence < (this.#last[pairId] as number)
    this.#last[pairId] = sequence
    return isBack
  }
}
