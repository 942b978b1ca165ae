import { NUMBER_COUNT } from '../../schemas/price-update.ts'
import { VERSIONS_PER_MS } from './cached-price.ts'
import type { Arrivals } from './freshness/arrivals.ts'
import type { FirstLevel } from './l1/first-level.ts'
import type { L2 } from './l2/l2.ts'
import type { WriteBehind } from './l2/write-behind.ts'
import { SequenceOrder } from './sequence-order.ts'
import { UNKNOWN_SOURCE } from './sources/sources.ts'

export interface PriceWriterOptions {
  readonly l1: FirstLevel
  readonly l2: Pick<L2, 'delete'>
  readonly writeBehind: Pick<WriteBehind, 'add' | 'forget'>
  /** Called for a delisted pair, so that nothing learned about it stays. */
  readonly tracker: { forget(pairId: number): void }
  readonly arrivals: Pick<Arrivals, 'arrived'>
}

/**
 * `older`: the pair has had a newer event time, or a higher sequence in the same millisecond. `too-many-in-ms`: the
 * 4,096 places of the millisecond are taken.
 */
export type WriteOutcome = 'stored' | 'older' | 'too-many-in-ms'

/** A row without numbers is a tombstone. */
const DELETED = new Float64Array(NUMBER_COUNT).fill(Number.NaN)

/** The one way of an update, and of a delisting, into the caches. */
export class PriceWriter {
  readonly #options: PriceWriterOptions
  readonly #order = new SequenceOrder()

  constructor(options: PriceWriterOptions) {
    this.#options = options
  }

  /**
   * Gives the update its version, and its numbers (from `base` on, in NUMBER_FIELDS' order) to L1 and to the write-behind.
   * The sequence is NaN for an update without one. `source`: the partition that it came from, a number of Sources.
   */
  write(
    pairId: number,
    eventTimeMs: number,
    numbers: Float64Array,
    base: number,
    sequence: number = Number.NaN,
    source: number = UNKNOWN_SOURCE,
  ): WriteOutcome {
    const { l1, writeBehind, arrivals } = this.#options
    // Even an update that is refused may show that its pair has several sources.
    const from = arrivals.arrived(pairId, source)
    const place = this.#order.place(pairId, l1.floor(pairId), eventTimeMs, sequence)
    if (place < 0) return 'older'
    const version = l1.nextVersion(pairId, eventTimeMs, place)
    if (version < 0) return version === -1 ? 'older' : 'too-many-in-ms'
    l1.update(pairId, version, numbers, base, from)
    writeBehind.add(pairId, version, numbers, base, from)
    return 'stored'
  }

  /**
   * Deletes what the pair has had, and what is not newer than this event time: other nodes may have had that. Resolves when
   * L2 has deleted the value, or is away. Then L1's floor keeps the value out, and L2 learns of the deletion later.
   */
  async delist(pairId: number, eventTimeMs = 0): Promise<'delisted' | 'unavailable'> {
    const { l1, l2, writeBehind, tracker } = this.#options
    // In the middle of the millisecond: other nodes may have had values of it, and more may come.
    l1.remove(pairId, eventTimeMs > 0 ? (eventTimeMs + 0.5) * VERSIONS_PER_MS : 0)
    writeBehind.forget(pairId)
    tracker.forget(pairId)
    const version = Math.max(l1.floor(pairId) - 1, 0)
    const { status } = await l2.delete([{ pairId, version }])
    if (status === 'written') return 'delisted'
    // Unless the pair was listed again meanwhile: the newer row is what L2 needs.
    if (version > 0 && l1.floor(pairId) === version + 1) writeBehind.add(pairId, version, DELETED, 0)
    return 'unavailable'
  }
}
