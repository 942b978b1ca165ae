/** Simple versions of the policies, with lists instead of links: slow, and easy to check. The newest comes first. */
export interface NaivePolicy {
  /** True for a hit. */
  read(pairId: number): boolean
}

export class NaiveLru implements NaivePolicy {
  readonly #slots: number
  #resident: number[] = []

  constructor(slots: number) {
    this.#slots = slots
  }

  read(pairId: number): boolean {
    const isHit = this.#resident.includes(pairId)
    this.#resident = [pairId, ...this.#resident.filter((other) => other !== pairId)].slice(0, this.#slots)
    return isHit
  }
}

/** The paper's listing: the hand is a place in the queue, and stays where it evicted a pair. */
export class NaiveSieve implements NaivePolicy {
  readonly #slots: number
  readonly #queue: { readonly pairId: number; isVisited: boolean }[] = []
  #hand: { readonly pairId: number; isVisited: boolean } | undefined

  constructor(slots: number) {
    this.#slots = slots
  }

  read(pairId: number): boolean {
    const found = this.#queue.find((entry) => entry.pairId === pairId)
    if (found !== undefined) {
      found.isVisited = true
      return true
    }
    if (this.#queue.length === this.#slots) this.#evict()
    this.#queue.unshift({ pairId, isVisited: false })
    return false
  }

  #evict(): void {
    let at = this.#hand === undefined ? this.#queue.length - 1 : this.#queue.indexOf(this.#hand)
    for (let entry = this.#queue[at]; entry?.isVisited === true; entry = this.#queue[at]) {
      entry.isVisited = false
      at = at === 0 ? this.#queue.length - 1 : at - 1
    }
    this.#hand = this.#queue[at - 1]
    this.#queue.splice(at, 1)
  }
}

interface Entry {
  readonly pairId: number
  reads: number
}

/** S3-FIFO: a tenth is for new pairs, which need two more reads to stay. There are ghosts for nine tenths. */
export class NaiveS3Fifo implements NaivePolicy {
  readonly #slots: number
  readonly #small: Entry[] = []
  readonly #main: Entry[] = []
  /** Pairs evicted from small, the last first; undefined for one that came back. */
  #ghosts: (number | undefined)[] = []

  constructor(slots: number) {
    this.#slots = slots
  }

  read(pairId: number): boolean {
    const found = [...this.#small, ...this.#main].find((entry) => entry.pairId === pairId)
    if (found !== undefined) {
      found.reads = Math.min(3, found.reads + 1)
      return true
    }
    if (this.#small.length + this.#main.length === this.#slots) this.#evict()
    const ghost = this.#ghosts.indexOf(pairId)
    if (ghost >= 0) this.#ghosts[ghost] = undefined
    const queue = ghost >= 0 ? this.#main : this.#small
    queue.unshift({ pairId, reads: 0 })
    return false
  }

  #evict(): void {
    const isSmallFull = this.#small.length >= Math.max(1, Math.floor(this.#slots / 10))
    if (isSmallFull || this.#main.length === 0)
      for (let oldest = this.#small.pop(); oldest !== undefined; oldest = this.#small.pop()) {
        if (oldest.reads < 2) {
          this.#ghosts = [oldest.pairId, ...this.#ghosts].slice(0, Math.max(1, Math.ceil(this.#slots * 0.9)))
          return
        }
        this.#main.unshift({ pairId: oldest.pairId, reads: 0 })
      }
    for (let oldest = this.#main.pop(); oldest !== undefined && oldest.reads > 0; oldest = this.#main.pop())
      this.#main.unshift({ pairId: oldest.pairId, reads: oldest.reads - 1 })
  }
}
