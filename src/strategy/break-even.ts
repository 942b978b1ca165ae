/** The cost of warming, counted since the start. */
export interface WarmCost {
  /** Values that were brought in ahead of a read. */
  readonly warms: number
  /** Misses soon after on values that were evicted to make room for a warm. */
  readonly missedSoon: number
}

/**
 * Tells how probable a read must be for its warm to pay. A warm saves a miss if it is read; it costs a read of L2, and
 * the value that its slot would have held. The read has a fixed price. The lost value is counted, so that a workload that
 * needs its slots asks for surer warms, and another takes all warms that are worth their read. Counts fade: when hardly
 * anything is warmed any more, the price returns to where it began, and warming is tried again.
 */
export class BreakEven {
  /** 0 to 1. */
  probability = READ_PRICE + MISSES_BEFOREHAND
  readonly #cost: () => WarmCost
  #reads = 0
  #before: WarmCost = { warms: 0, missedSoon: 0 }
  /** Counts that fade. */
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

/** The price of a read of L2, in misses: one of forty warms must be read to pay for the reads of all forty. */
const READ_PRICE = 0.025
/** A warm is assumed to cost so many misses, until about PRIOR warms were counted. */
const MISSES_BEFOREHAND = 0.08
const PRIOR = 100
/** Demand reads between two looks at the counts, and the share that is left of a count by the next: half after 4,096. */
const LOOK_EVERY = 256
const FADED = 0.5 ** (LOOK_EVERY / 4096)
