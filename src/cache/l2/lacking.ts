import { EVERYTHING, type Sources, UNKNOWN_SOURCE } from '../sources/sources.ts'

interface Lack {
  readonly version: number
  readonly source: number
  /** Nobody has tried to give it a row since. */
  isUntried: boolean
}

/** Values that L2 was not given: the newest version of each pair that found no row in the write-behind. */
export class Lacking {
  readonly #values = new Map<number, Lack>()
  /** May name pairs that lack no more. */
  #untried: number[] = []

  add(pairId: number, version: number, source: number): void {
    const known = this.#values.get(pairId)
    if (known?.isUntried !== true) this.#untried.push(pairId)
    if (known === undefined || version > known.version) this.#values.set(pairId, { version, source, isUntried: true })
    else known.isUntried = true
  }

  /** L2 has this version. What it lacks may be newer. */
  written(pairId: number, version: number): void {
    if (this.#values.size === 0) return
    const lack = this.#values.get(pairId)
    if (lack !== undefined && lack.version <= version) this.#values.delete(pairId)
  }

  forget(pairId: number): void {
    this.#values.delete(pairId)
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
    if (this.#values.size === 0) return false
    for (const lack of this.#values.values()) {
      const of = sources.resolve(lack.source)
      if (of === UNKNOWN_SOURCE || of === EVERYTHING || of === sources.resolve(source)) return true
    }
    return false
  }
}
