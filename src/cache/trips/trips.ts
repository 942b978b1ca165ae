import type { CachedPrice } from '../cached-price.ts'

/** Values by pair id. */
export type Fetched = ReadonlyMap<number, CachedPrice>

/**
 * Trips to a slower level. Pairs that are asked for in one tick share a trip, and a pair that is in flight is not fetched
 * twice. If the level is away, the trip brings nothing; its promise rejects only for a fault of ours.
 */
export class Trips {
  readonly #load: (pairIds: readonly number[], fetched: Map<number, CachedPrice>) => Promise<void>
  /** The pairs of the next trip, and that trip. */
  #wanted: number[] = []
  #next: Promise<Fetched> | undefined
  /** The trip of each pair that is wanted or in flight. */
  readonly #underWay = new Map<number, Promise<Fetched>>()

  constructor(load: (pairIds: readonly number[], fetched: Map<number, CachedPrice>) => Promise<void>) {
    this.#load = load
  }

  /** How many pairs are wanted or in flight. */
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
    // Whoever awaits the trip gets its fault. A read that does not await it must not end the process.
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
