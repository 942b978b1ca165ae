import { EVERYTHING, type Sources, UNKNOWN_SOURCE } from '../sources/sources.ts'
import { longestTtlMs } from '../ttl.ts'

export interface LackingOptions {
  /** Monotonic milliseconds. */
  readonly now: () => number
  /** How long L2 keeps a value, ±10 %; for ever unless given. */
  readonly l2TtlMs?: number | undefined
}

interface Lack {
  readonly version: number
  readonly source: number
  readonly sinceMs: number
  /** Nobody has tried to give it a row since. */
  isUntried: boolean
}

/**
 * Values that L2 was not given: the newest version of each pair that found no row in the write-behind. L1 may have lost it
 * since. Then L2 lacks it until the pair's next value, or until what L2 has of the pair is gone.
 */
export class Lacking {
  readonly #now: () => number
  readonly #lastsMs: number
  /** The oldest comes first. */
  readonly #values = new Map<number, Lack>()
  /** How many each source has of them. */
  readonly #counts = new Map<number, number>()
  /** May name pairs that lack no more. */
  #untried: number[] = []

  constructor({ now, l2TtlMs = Number.POSITIVE_INFINITY }: LackingOptions) {
    this.#now = now
    this.#lastsMs = longestTtlMs(l2TtlMs)
  }

  add(pairId: number, version: number, source: number): void {
    const known = this.#values.get(pairId)
    if (known?.isUntried !== true) this.#untried.push(pairId)
    if (known !== undefined && version <= known.version) {
      known.isUntried = true
      return
    }
    this.forget(pairId)
    this.#values.set(pairId, { version, source, sinceMs: this.#now(), isUntried: true })
    this.#counts.set(source, (this.#counts.get(source) ?? 0) + 1)
  }

  /** L2 has this version. What it lacks may be newer. */
  written(pairId: number, version: number): void {
    if (this.#values.size === 0) return
    const lack = this.#values.get(pairId)
    if (lack !== undefined && lack.version <= version) this.forget(pairId)
  }

  forget(pairId: number): void {
    const lack = this.#values.get(pairId)
    if (lack === undefined) return
    this.#values.delete(pairId)
    const left = (this.#counts.get(lack.source) ?? 0) - 1
    if (left > 0) this.#counts.set(lack.source, left)
    else this.#counts.delete(lack.source)
  }

  /** A pair to be tried now; undefined if there is none. */
  next(): number | undefined {
    for (let pairId = this.#untried.pop(); pairId !== undefined; pairId = this.#untried.pop()) {
      const lack = this.#values.get(pairId)
      if (lack?.isUntried !== true) continue
      lack.isUntried = false
      return pairId
    }
    return undefined
  }

  /** Whether a value of the source is among them. One whose source is not known may be of any. */
  has(source: number, sources: Sources): boolean {
    this.#forgetOld()
    const wanted = sources.resolve(source)
    for (const each of this.#counts.keys()) {
      const of = sources.resolve(each)
      if (of === UNKNOWN_SOURCE || of === EVERYTHING || of === wanted) return true
    }
    return false
  }

  /** What L2 had of these pairs was written before, and is gone. */
  #forgetOld(): void {
    for (const [pairId, { sinceMs }] of this.#values) {
      if (this.#now() - sinceMs < this.#lastsMs) return
      this.forget(pairId)
    }
  }
}
