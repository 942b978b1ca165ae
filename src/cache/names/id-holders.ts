import { enlarged } from '../../../schemas/enlarged.ts'

export interface PairName {
  readonly chain: string
  readonly pair: string
}

/**
 * The id of a name that nobody needs goes to another name. Nothing of the old name may then be taken for the new one's. So
 * each part that keeps pair ids says which of them must stay, and forgets what it keeps for one that goes.
 */
export interface IdHolder {
  /** Whether the pair has a value. If not, it has lost it without being released, or was released. */
  lives?(pairId: number): boolean
  /** Whether something is under way that will come back to the pair's id. */
  holds?(pairId: number): boolean
  /** The pair loses its id, and still has its name. What is kept under the id is the old name's, and must go. */
  forget?(pairId: number): void
  /** The id has gone to a pair of this name. */
  given?(pairId: number, name: PairName): void
  /** The chain loses its id; it has no pairs. */
  forgetChain?(chainId: number): void
}

/** Ids that something under way will come back to: a read, a warm, a deletion. Each hold is let go once. */
export class IdHolds implements IdHolder {
  readonly #counts = new Map<number, number>()

  holds(pairId: number): boolean {
    return this.#counts.has(pairId)
  }

  hold(pairIds: Iterable<number>): void {
    for (const pairId of pairIds) if (pairId >= 0) this.#counts.set(pairId, (this.#counts.get(pairId) ?? 0) + 1)
  }

  letGo(pairIds: Iterable<number>): void {
    for (const pairId of pairIds) {
      const left = (this.#counts.get(pairId) ?? 0) - 1
      if (left > 0) this.#counts.set(pairId, left)
      else this.#counts.delete(pairId)
    }
  }

  /** Holds the ids while the work goes on. */
  async during<T>(pairIds: readonly number[], work: () => Promise<T>): Promise<T> {
    this.hold(pairIds)
    try {
      return await work()
    } finally {
      this.letGo(pairIds)
    }
  }
}

/** Ids that their names may not need, the oldest first. Each is in it once at most. */
export class SpareIds {
  #ring = new Int32Array(1024)
  #first = 0
  #count = 0
  #isIn = new Uint8Array(1024)

  get size(): number {
    return this.#count
  }

  add(id: number): void {
    if (id >= this.#isIn.length) this.#isIn = enlarged(this.#isIn, new Uint8Array(id * 2))
    if (this.#isIn[id] === 1) return
    this.#isIn[id] = 1
    if (this.#count === this.#ring.length) this.#grow()
    this.#ring[(this.#first + this.#count++) & (this.#ring.length - 1)] = id
  }

  /** Takes the oldest out; there must be one. */
  take(): number {
    const id = this.#ring[this.#first] as number
    this.#first = (this.#first + 1) & (this.#ring.length - 1)
    this.#count--
    this.#isIn[id] = 0
    return id
  }

  #grow(): void {
    const ring = new Int32Array(this.#count * 2)
    for (let at = 0; at < this.#count; at++) ring[at] = this.#ring[(this.#first + at) % this.#count] as number
    this.#ring = ring
    this.#first = 0
  }
}
