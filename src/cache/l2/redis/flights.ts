import type { CachedPrice } from '../../cached-price.ts'

/** A load in flight. Whoever asks for one of its pairs meanwhile waits for it. */
export interface Flight {
  readonly rows: Map<number, CachedPrice>
  /** Pairs that were deleted after it was sent: the values that it brings for them no longer exist. */
  readonly deleted: Set<number>
  /** Pairs that could not be asked for. */
  readonly unknown: Set<number>
  /** Resolves to the reason if there are such pairs. */
  readonly done: Promise<string | undefined>
}

/** Sends one load for pairs that several ask for at the same time. */
export class Flights {
  readonly #fetch: (pairIds: readonly number[], flight: Flight) => Promise<string | undefined>
  readonly #flights = new Map<number, Flight>()

  constructor(fetch: (pairIds: readonly number[], flight: Flight) => Promise<string | undefined>) {
    this.#fetch = fetch
  }

  of(pairId: number): Flight | undefined {
    return this.#flights.get(pairId)
  }

  /** The flight of each pair: one that has left already, or the one that starts here. */
  board(pairIds: readonly number[]): readonly Flight[] {
    const own: number[] = []
    const { promise, resolve } = Promise.withResolvers<string | undefined>()
    const started: Flight = { rows: new Map(), deleted: new Set(), unknown: new Set(), done: promise }
    const flights = pairIds.map((pairId) => {
      const known = this.#flights.get(pairId)
      if (known !== undefined) return known
      this.#flights.set(pairId, started)
      own.push(pairId)
      return started
    })
    if (own.length > 0) void this.#fly(own, started).then(resolve)
    return flights
  }

  /** Resolves whatever happens, so that nobody waits for ever, or boards a flight that has ended. */
  async #fly(pairIds: readonly number[], flight: Flight): Promise<string | undefined> {
    try {
      return await this.#fetch(pairIds, flight)
    } catch (fault) {
      for (const pairId of pairIds) flight.unknown.add(pairId)
      return String(fault)
    } finally {
      for (const pairId of pairIds) this.#flights.delete(pairId)
    }
  }
}

export function rowOf(pairId: number, flight: Flight | undefined): CachedPrice | undefined {
  return flight?.deleted.has(pairId) ? undefined : flight?.rows.get(pairId)
}
