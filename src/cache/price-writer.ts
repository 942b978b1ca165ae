import type { FirstLevel } from './l1/first-level.ts'
import type { L2 } from './l2/l2.ts'
import type { WriteBehind } from './l2/write-behind.ts'
import { SequenceOrder } from './sequence-order.ts'

export interface PriceWriterOptions {
  readonly l1: FirstLevel
  readonly l2: Pick<L2, 'delete'>
  readonly writeBehind: Pick<WriteBehind, 'add' | 'forget'>
  /** Called for a delisted pair, so that nothing learned about it stays. */
  readonly tracker: { forget(pairId: number): void }
}

/**
 * `older`: the pair has had a newer event time, or a higher sequence in the same millisecond. `too-many-in-ms`: the
 * 4,096 places of the millisecond are taken.
 */
export type WriteOutcome = 'stored' | 'older' | 'too-many-in-ms'

/** The one way of an update, and of a delisting, into the caches. */
export class PriceWriter {
  readonly #options: PriceWriterOptions
  readonly #order = new SequenceOrder()

  constructor(options: PriceWriterOptions) {
    this.#options = options
  }

  /**
   * Gives the update its version, and its numbers (from `base` on, in NUMBER_FIELDS' order) to L1 and to the write-behind.
   * The sequence is NaN for an update without one.
   */
  write(
    pairId: number,
    eventTimeMs: number,
    numbers: Float64Array,
    base: number,
    sequence: number = Number.NaN,
  ): WriteOutcome {
    const { l1, writeBehind } = this.#options
    const place = this.#order.place(pairId, l1.floor(pairId), eventTimeMs, sequence)
    if (place < 0) return 'older'
    const version = l1.nextVersion(pairId, eventTimeMs, place)
    if (version < 0) return version === -1 ? 'older' : 'too-many-in-ms'
    l1.update(pairId, version, numbers, base)
    writeBehind.add(pairId, version, numbers, base)
    return 'stored'
  }

  /** Resolves when L2 has deleted the value, or is away: then it stays there until its time is up, and L1's floor keeps it out. */
  async delist(pairId: number): Promise<'delisted' | 'unavailable'> {
    const { l1, l2, writeBehind, tracker } = this.#options
    l1.remove(pairId)
    writeBehind.forget(pairId)
    tracker.forget(pairId)
    const { status } = await l2.delete([pairId])
    // A load that was under way may have answered before the deletion, and brought the value back.
    l1.remove(pairId)
    return status === 'unavailable' ? 'unavailable' : 'delisted'
  }
}
