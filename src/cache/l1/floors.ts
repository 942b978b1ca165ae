import { versionAfter } from '../cached-price.ts'

/** About 100 B each. Beyond so many, the oldest is dropped. */
const MOST_FORMER = 65_536

/** The floors of names that have lost their ids: one that gets an id again must not have an older value than before. */
export class FormerFloors {
  readonly #floors = new Map<string, number>()

  set(name: string, floor: number): void {
    if (floor === 0) return
    this.#floors.set(name, floor)
    const [oldest] = this.#floors.size > MOST_FORMER ? this.#floors.keys() : []
    if (oldest !== undefined) this.#floors.delete(oldest)
  }

  /** Takes the floor out; 0 if there is none. */
  take(name: string): number {
    const floor = this.#floors.get(name) ?? 0
    if (floor > 0) this.#floors.delete(name)
    return floor
  }
}

/**
 * The lowest version of each pair that is still accepted, 0 before its first value. It outlives the value: an
 * evicted or expired value must not come back in an older version.
 */
export class Floors {
  readonly #floors: Float64Array
  readonly #isKnown: Uint8Array
  /** Pairs that have had a value and were not delisted since. */
  known = 0

  constructor(floors: Float64Array) {
    this.#floors = floors
    this.#isKnown = new Uint8Array(floors.length)
  }

  of(pairId: number): number {
    return this.#floors[pairId] as number
  }

  /** FirstLevel explains the negative ones. */
  nextVersion(pairId: number, eventTimeMs: number, place?: number): number {
    return versionAfter(this.#floors[pairId] as number, eventTimeMs, place)
  }

  /** Whether the pair has had a value and was not delisted since. */
  isKnown(pairId: number): boolean {
    return this.#isKnown[pairId] === 1
  }

  /** The id goes to another pair. */
  forget(pairId: number): void {
    if (this.#isKnown[pairId] === 1) this.known--
    this.#isKnown[pairId] = 0
    this.#floors[pairId] = 0
  }

  /** The pair has a value of this version. */
  raise(pairId: number, version: number): void {
    if (this.#isKnown[pairId] === 0) {
      this.#isKnown[pairId] = 1
      this.known++
    }
    this.#floors[pairId] = version
  }

  /** The floor rises above the last value, so that not even that one comes back late, and to `atLeast`. */
  delist(pairId: number, atLeast = 0): void {
    let floor = this.#floors[pairId] as number
    if (this.#isKnown[pairId] !== 0) {
      this.#isKnown[pairId] = 0
      this.known--
      floor++
    }
    this.#floors[pairId] = Math.max(floor, atLeast)
  }
}
