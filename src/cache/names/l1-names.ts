import type { FirstLevel } from '../l1/first-level.ts'
import { FormerFloors } from '../l1/floors.ts'
import type { IdHolder, PairName } from './id-holders.ts'
import type { PairTable } from './pair-table.ts'

export interface L1NamesOptions {
  readonly table: Pick<PairTable, 'namesOf'>
  readonly l1: Pick<FirstLevel, 'has' | 'isKnown' | 'floor' | 'forget' | 'remove'>
  /** Whether a version is so old that no level has it any more. */
  readonly isOver: (version: number) => boolean
}

/** Tells the table which pairs have a value, and keeps the floors of those that lose their ids. */
export class L1Names implements IdHolder {
  readonly #options: L1NamesOptions
  readonly #former = new FormerFloors()

  constructor(options: L1NamesOptions) {
    this.#options = options
  }

  lives(pairId: number): boolean {
    const { l1, isOver } = this.#options
    return l1.isKnown(pairId) && (l1.has(pairId) || !isOver(l1.floor(pairId)))
  }

  forget(pairId: number): void {
    const { l1, table } = this.#options
    this.#former.set(keyOf(table.namesOf(pairId)), l1.floor(pairId))
    l1.forget(pairId)
  }

  given(pairId: number, name: PairName): void {
    const floor = this.#former.take(keyOf(name))
    if (floor > 0) this.#options.l1.remove(pairId, floor)
  }
}

function keyOf({ chain, pair }: PairName): string {
  return `${chain}\0${pair}`
}
