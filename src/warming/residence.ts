import type { Usage } from '../cache/usage.ts'

/**
 * How long a warm stays if nobody reads it, measured: the time in which the warm part took in as many warms as it holds.
 * Endless while nothing pushes. A pair that is read again after so long needs a warm again.
 */
export class Residence {
  readonly #usage: () => Pick<Usage, 'warmLimit' | 'warmCounts'>
  #sinceMs = Number.NaN
  #admitted = 0
  #ms = Number.POSITIVE_INFINITY

  constructor(usage: () => Pick<Usage, 'warmLimit' | 'warmCounts'>) {
    this.#usage = usage
  }

  /** Milliseconds, as of the last half of the warm part. */
  at(nowMs: number): number {
    const { warmLimit, warmCounts } = this.#usage()
    if (Number.isNaN(this.#sinceMs)) this.#start(nowMs, warmCounts.admitted)
    const half = Math.max(1, warmLimit / 2)
    const admitted = warmCounts.admitted - this.#admitted
    if (admitted < half) return this.#ms
    this.#ms = ((nowMs - this.#sinceMs) * warmLimit) / admitted
    this.#start(nowMs, warmCounts.admitted)
    return this.#ms
  }

  #start(nowMs: number, admitted: number): void {
    this.#sinceMs = nowMs
    this.#admitted = admitted
  }
}
