import type { FirstLevel } from '../l1/first-level.ts'
import type { IdHolder, PairName } from './id-holders.ts'
import type { PairTable } from './pair-table.ts'

/** About 100 B each. Beyond so many, the oldest is dropped: then L2's tombstone alone keeps old values out. */
const MOST_FLOORS = 65_536

export interface FormerFloorsOptions {
  readonly table: Pick<PairTable, 'namesOf'>
  readonly l1: Pick<FirstLevel, 'has' | 'isKnown' | 'floor' | 'forget' | 'remove'>
  /** Whether a version is so old that no level has it any more. */
  readonly isOver: (version: number) => boolean
}

/**
 * Keeps the floors of pairs that have lost their ids, by name. A pair that gets an id again must not show a value that is
 * older than what was read of it, or deleted, before.
 */
export class FormerFloors implements IdHolder {
  readonly #options: FormerFloorsOptions
  readonly #floors = new Map<string, number>()

  constructor(options: FormerFloorsOptions) {
    this.#options = options
  }

  lives(pairId: number): boolean {
    const { l1, isOver } = this.#options
    return l1.isKnown(pairId) && (l1.has(pairId) || !isOver(l1.floor(pairId)))
  }

  forget(pairId: number): void {
    const { l1, table } = this.#options
    const floor = l1.floor(pairId)
    l1.forget(pairId)
    if (floor === 0) return
    this.#floors.set(keyOf(table.namesOf(pairId)), floor)
    const [oldest] = this.#floors.size > MOST_FLOORS ? this.#floors.keys() : []
    if (oldest !== undefined) this.#floors.delete(oldest)
  }

  given(pairId: number, name: PairName): void {
    if (this.#floors.size === 0) return
    const key = keyOf(name)
    const floor = this.#floors.get(key)
    if (floor === undefined) return
    this.#floors.delete(key)
    this.#options.l1.remove(pairId, floor)
  }
}

function keyOf({ chain, pair }: PairName): string {
  return `${chain}\0${pair}`
}
