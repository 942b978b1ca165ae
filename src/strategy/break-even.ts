/** What warms have cost so far, counted since the start. */
export interface WarmCost {
  /** Values brought in ahead of a read. */
  readonly warms: number
  /** Misses on what had left to make room for one, soon after. */
  readonly missedSoon: number
}

/**
 * From which probability of being read on a warm pays: it saves a miss as often as it is read, and costs a read of L2 and
 * what its slot would have held instead. The first is a price; the second is counted, so that a workload that needs its
 * slots asks for surer warms, and one that does not takes all that are worth their read. What was counted fades: where
 * hardly anything is warmed any more, the price goes back to where it began, and warming tries again.
 */
export class BreakEven {
  /** 0 to 1. */
  probability = READ_PRICE + MISSES_BEFOREHAND
  readonly #cost: () => WarmCost
  #reads = 0
  #before: WarmCost = { warms: 0, missedSoon: 0 }
  /** Fading counts. */
  #warms = 0
  #missedSoon = 0

  constructor(cost: () => WarmCost) {
    this.#cost = cost
  }

  /** A demand read. */
  read(): void {
    if (++this.#reads % LOOK_EVERY !== 0) return
    const cost = this.#cost()
    this.#warms = FADED * (this.#warms + cost.warms - this.#before.warms)
    this.#missedSoon = FADED * (this.#missedSoon + cost.missedSoon - this.#before.missedSoon)
    this.#before = cost
    const misses = (this.#missedSoon + PRIOR * MISSES_BEFOREHAND) / (this.#warms + PRIOR)
    this.probability = READ_PRICE + misses
  }
}

/** Of a read of L2, in misses: one warm in so many has to be read for the reads of all of them. */
const READ_PRICE = 0.025
/** What a warm is taken to cost before any was counted, in misses, and how many warms outweigh that. */
const MISSES_BEFOREHAND = 0.08
const PRIOR = 100
/** Demand reads between two looks at what was counted, and what is left of it by the next: half in 4,096 reads. */
const LOOK_EVERY = 256
const FADED = 0.5 ** (LOOK_EVERY / 4096)
