import { Residency } from '../../cache/l1/residency.ts'
import { NO_PAIR, type Policy, type PolicySize, warmLimitOf } from './policy.ts'

/** L1's own residency. Without a warm share it is plain S3-FIFO, which keeps a warm like a demand entry. */
export class ResidencyPolicy implements Policy {
  readonly slots: number
  readonly warmLimit: number
  evicted = NO_PAIR
  /** Undefined without a warm part: warms are not counted then. */
  readonly usage: Residency | undefined
  readonly #residency: Residency
  readonly #warmsAs: 'warm' | 'demand'
  /** The pair that had each slot last: the residency does not say whom it evicted. */
  readonly #owners: Int32Array

  constructor({ slots, pairs }: PolicySize, warmShare: number) {
    this.slots = slots
    this.#residency = new Residency({ slots, maxPairs: pairs, warmShare })
    this.usage = warmShare > 0 ? this.#residency : undefined
    this.#warmsAs = warmShare > 0 ? 'warm' : 'demand'
    this.warmLimit = warmLimitOf(slots)
    this.#owners = new Int32Array(slots).fill(NO_PAIR)
  }

  has(pairId: number): boolean {
    return this.#residency.slotOf(pairId) >= 0
  }

  read(pairId: number): boolean {
    const slot = this.#residency.slotOf(pairId)
    this.evicted = NO_PAIR
    if (slot >= 0) {
      this.#residency.hit(slot)
      return true
    }
    this.#residency.miss(pairId)
    this.#admit(pairId, 'demand')
    return false
  }

  warm(pairId: number, kind = 0): boolean {
    return this.#admit(pairId, this.#warmsAs, kind)
  }

  expect(pairId: number): boolean {
    const slot = this.#residency.slotOf(pairId)
    if (slot >= 0) this.#residency.expect(slot)
    return slot >= 0
  }

  renew(pairId: number): void {
    const slot = this.#residency.slotOf(pairId)
    if (slot >= 0) this.#residency.renew(slot)
  }

  #admit(pairId: number, as: 'warm' | 'demand', kind = 0): boolean {
    const evictions = this.#residency.evictions
    const slot = this.#residency.admit(pairId, as, kind)
    // The residency gives out the slot that was freed last.
    const isTaken = slot >= 0 && this.#residency.evictions > evictions
    this.evicted = isTaken ? (this.#owners[slot] as number) : NO_PAIR
    if (slot >= 0) this.#owners[slot] = pairId
    return slot >= 0
  }
}
