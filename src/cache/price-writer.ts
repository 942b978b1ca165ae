import { type Extra, NUMBER_COUNT } from '../../schemas/price-update.ts'
import type { UpdateColumns } from '../../schemas/update-columns.ts'
import { emptyPrice, eventTimeOf, VERSIONS_PER_MS, writeNumbers } from './cached-price.ts'
import type { Arrivals } from './freshness/arrivals.ts'
import type { FirstLevel } from './l1/first-level.ts'
import type { Deletions } from './l2/deletions.ts'
import type { WriteBehind } from './l2/write-behind.ts'
import type { PairTable } from './names/pair-table.ts'
import { SequenceOrder } from './sequence-order.ts'
import { UNKNOWN_SOURCE } from './sources/sources.ts'
import { StoredJson } from './values/stored-json.ts'

export interface PriceWriterOptions {
  readonly table: Pick<PairTable, 'holds' | 'keep' | 'release'>
  readonly l1: FirstLevel
  readonly deletions: Pick<Deletions, 'delete'>
  readonly writeBehind: Pick<WriteBehind, 'add' | 'addPrice' | 'forget' | 'pending'>
  /** Called for a delisted pair, so that nothing learned about it stays. */
  readonly tracker: { forget(pairId: number): void }
  readonly arrivals: Pick<Arrivals, 'arrived'>
  /** Whether L1 keeps what belongs to a price beside its numbers. L2 has it then, too. */
  readonly keepsExtra?: boolean
}

/**
 * `older`: the pair has had a newer event time, or a higher sequence in the same millisecond. `too-many-in-ms`: the
 * 4,096 places of the millisecond are taken.
 */
export type WriteOutcome = 'stored' | 'older' | 'too-many-in-ms'

/** `older`: the pair has a newer value, or was deleted later. `unavailable`: L2 is away, and gets the deletion later. */
export type DelistOutcome = 'delisted' | 'older' | 'unavailable'

const NO_NUMBERS = new Float64Array(NUMBER_COUNT).fill(Number.NaN)

/** The one way of an update, and of a delisting, into the caches. */
export class PriceWriter {
  readonly #options: PriceWriterOptions
  readonly #order = new SequenceOrder()
  readonly #refused = emptyPrice()
  readonly #numbers = new Float64Array(NUMBER_COUNT)

  constructor(options: PriceWriterOptions) {
    this.#options = options
    options.table.keep({ forget: (pairId) => this.#order.forget(pairId) })
  }

  /**
   * Gives the update its version, and its numbers (from `base` on, in NUMBER_FIELDS' order) to L1 and to the write-behind.
   * The sequence is NaN for an update without one. `source`: the partition that it came from, a number of Sources. `json`: what
   * belongs to it beside the numbers.
   */
  write(
    pairId: number,
    eventTimeMs: number,
    numbers: Float64Array,
    base: number,
    sequence: number = Number.NaN,
    source: number = UNKNOWN_SOURCE,
    json?: StoredJson,
  ): WriteOutcome {
    const { l1, writeBehind, arrivals } = this.#options
    // Even an update that is refused may show that its pair has several sources.
    const from = arrivals.arrived(pairId, source)
    const place = this.#order.place(pairId, l1.floor(pairId), eventTimeMs, sequence)
    if (place < 0) return 'older'
    const version = l1.nextVersion(pairId, eventTimeMs, place)
    if (version < 0) return version === -1 ? 'older' : 'too-many-in-ms'
    l1.update(pairId, version, numbers, base, from, json)
    writeBehind.add(pairId, version, numbers, base, from, json)
    return 'stored'
  }

  /** As `write`, for a row of updates. The fields of the user's own are kept where L1 can keep them. */
  writeRow(columns: UpdateColumns, row: number, source: number): WriteOutcome {
    const { pairIds, eventTimesMs, numbers, sequences, extras } = columns
    const json = extras.length > row ? this.jsonOf(extras[row]) : undefined
    const at = row * NUMBER_COUNT
    const sequence = sequences[row] as number
    return this.write(pairIds[row] as number, eventTimesMs[row] as number, numbers, at, sequence, source, json)
  }

  /** The fields of an update that are the user's own, as they are kept; undefined if they are not. */
  jsonOf(extra: Extra | undefined): StoredJson | undefined {
    if (extra === undefined || this.#options.keepsExtra !== true) return undefined
    return new StoredJson(JSON.stringify(extra))
  }

  /** As `write`, for a value of any kind. */
  writeJson(pairId: number, eventTimeMs: number, json: StoredJson): WriteOutcome {
    return this.write(pairId, eventTimeMs, NO_NUMBERS, 0, Number.NaN, UNKNOWN_SOURCE, json)
  }

  /**
   * L2 accepts nothing of the pair below `floor`. What L1 has is older, or deleted, and leaves it. But another node's value
   * of the same millisecond may only have the higher version, and the lower sequence: then ours is written again, above it.
   */
  refused(pairId: number, floor: number): void {
    const { l1, writeBehind } = this.#options
    if (l1.floor(pairId) >= floor) return
    const price = this.#refused
    const isNewest = this.#order.isAfter(pairId, floor) && writeBehind.pending(pairId, price)
    l1.remove(pairId, floor)
    if (!isNewest || price.eventTimeMs !== eventTimeOf(floor)) return
    price.version = l1.nextVersion(pairId, price.eventTimeMs)
    if (price.version < 0) return
    writeNumbers(price, this.#numbers, 0)
    l1.update(pairId, price.version, this.#numbers, 0, price.source, price.json)
    writeBehind.addPrice(pairId, price)
  }

  /**
   * Deletes what the pair has had, and what is not newer than this event time: other nodes may have had that. With
   * `onlyUpTo`, what is newer than the event time stays. Resolves when L2 has deleted the value, or is away. Then L1's floor
   * keeps the value out, and L2 gets the deletion later.
   */
  delist(pairId: number, eventTimeMs = 0, { onlyUpTo = false } = {}): Promise<DelistOutcome> {
    const { table } = this.#options
    table.release(pairId)
    return table.holds.during([pairId], () => this.#delist(pairId, eventTimeMs, onlyUpTo))
  }

  async #delist(pairId: number, eventTimeMs: number, onlyUpTo: boolean): Promise<DelistOutcome> {
    const { l1, writeBehind, tracker, deletions } = this.#options
    if (onlyUpTo && eventTimeOf(l1.floor(pairId)) > eventTimeMs) return 'older'
    // In the middle of the millisecond: other nodes may have had values of it, and more may come.
    l1.remove(pairId, eventTimeMs > 0 ? (eventTimeMs + 0.5) * VERSIONS_PER_MS : 0)
    writeBehind.forget(pairId)
    tracker.forget(pairId)
    const version = Math.max(l1.floor(pairId) - 1, 0)
    const upTo = Math.max(version, (eventTimeMs + 1) * VERSIONS_PER_MS - 1)
    const outcome = await deletions.delete(onlyUpTo ? { pairId, version, upTo } : { pairId, version })
    if (outcome.status === 'unavailable') return 'unavailable'
    return outcome.older > 0 ? 'older' : 'delisted'
  }
}
