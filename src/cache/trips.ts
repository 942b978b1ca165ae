import type { CachedPrice } from './cached-price.ts'

/** Values by pair id. */
export type Fetched = ReadonlyMap<number, CachedPrice>

/**
 * Trips to a slower level: pairs asked for within one tick go together, and a pair that is under way is not fetched
 * twice. A trip's promise is rejected only by a fault of ours; a level that is away is a trip that brings nothing.
 */
export class Trips {
  readonly #load: (pairIds: readonly number[], fetched: Map<number, CachedPrice>) => Promise<void>
  /** Pairs of the next trip, and that trip. */
  #wanted: number[] = []
  #next: Promise<Fetched> | undefined
  /** The trip of each pair that is wanted or on its way. */
  readonly #underWay = new Map<number, Promise<Fetched>>()

  constructor(load: (pairIds: readonly number[], fetched: Map<number, CachedPrice>) => Promise<void>) {
    this.#load = load
  }

  /** Pairs wanted or on their way. */
  get size(): number {
    return this.#underWay.size
  }

  of(pairId: number): Promise<Fetched> | undefined {
    return this.#underWay.get(pairId)
  }

  take(pairId: number): Promise<Fetched> {
    const underWay = this.#underWay.get(pairId)
    if (underWay !== undefined) return underWay
    const trip = this.#next ?? this.#depart()
    this.#wanted.push(pairId)
    this.#underWay.set(pairId, trip)
    return trip
  }

  #depart(): Promise<Fetched> {
    const trip = Promise.resolve().then(() => this.#travel())
    // Whoever waits for the trip hears of its fault; a read that does not wait must not end the process.
    trip.catch(() => undefined)
    this.#next = trip
    return trip
  }

  async #travel(): Promise<Fetched> {
    const wanted = this.#wanted
    this.#wanted = []
    this.#next = undefined
    const fetched = new Map<number, CachedPrice>()
    try {
      await this.#load(wanted, fetched)
      return fetched
    } finally {
      for (const pairId of wanted) this.#underWay.delete(pairId)
    }
  }
}
