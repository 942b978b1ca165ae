import type { Run } from './run.ts'
import type { Counts, Tally } from './tally.ts'
import type { AccessTrace } from './traffic/access-trace.ts'
import type { AccessWarming } from './warmings/access.ts'

/** Runs a trace: each access is a demand read, and the trigger of warms. */
export class AccessRun implements Run {
  readonly length: number
  readonly #accesses: Int32Array
  readonly #tally: Tally
  readonly #warm: AccessWarming
  #at = 0

  constructor(trace: AccessTrace, tally: Tally, warm: AccessWarming) {
    this.length = trace.accesses.length
    this.#accesses = trace.accesses
    this.#tally = tally
    this.#warm = warm
  }

  get counts(): Readonly<Counts> {
    return this.#tally.counts
  }

  advance(end: number): void {
    const accesses = this.#accesses
    const tally = this.#tally
    const warm = this.#warm
    for (; this.#at < end; this.#at++) {
      const pairId = accesses[this.#at] as number
      tally.read(pairId)
      warm(pairId, this.#at)
    }
  }
}
