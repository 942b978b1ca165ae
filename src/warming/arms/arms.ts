import { enlarged } from '../../../schemas/enlarged.ts'
import { CELLS, GROUPS } from '../../cache/l1/usage.ts'
import type { IdHolder } from '../../cache/names/id-holders.ts'
import type { PairTable } from '../../cache/names/pair-table.ts'
import { mixed, pairHash } from '../../pair-hash.ts'

/** The triggers of each of two strategies that are compared. */
export const ARMS = ['a', 'b'] as const
export type Arm = (typeof ARMS)[number]

/**
 * Shares out triggers between two strategies, by a hash of the trigger's names: a pair stays in its arm, on all nodes and
 * after a restart. Within its arm a pair belongs to one of sixteen groups. The spread between these says how uncertain a
 * figure of the arm is. Arm and group together are a cell.
 */
export class Arms implements IdHolder {
  readonly #table: Pick<PairTable, 'namesOf'>
  /** The share of the arm b as a part of 2³². */
  #below = 0
  /** One more than the cell, by pair id; 0: not looked at. */
  #cells = new Uint8Array(1024)
  /** The cell of the trigger that the look-ahead last wanted a pair for, by pair id. */
  #wantedBy = new Uint8Array(1024)

  constructor(table: Pick<PairTable, 'namesOf'>, share = 0) {
    this.#table = table
    this.share = share
  }

  /** 0 to 1; with 0 all triggers are in the arm a, and nothing is compared. */
  set share(share: number) {
    this.#below = Math.round(share * 2 ** 32)
    this.#cells.fill(0)
  }

  get areTwo(): boolean {
    return this.#below > 0
  }

  /** The cell of a trigger; 0 for all while there are no two arms. */
  cellOf(pairId: number): number {
    if (this.#below === 0) return 0
    const known = this.#cells[pairId] ?? 0
    return known > 0 ? known - 1 : this.#find(pairId)
  }

  cellOfNames(chain: string, pair: string): number {
    if (this.#below === 0) return 0
    const hash = pairHash(chain, pair)
    const group = mixed(hash ^ 0x9e3779b1) % GROUPS
    return mixed(hash) < this.#below ? GROUPS + group : group
  }

  /** The look-ahead wants the pair for an update of this trigger. */
  wants(pairId: number, trigger: number): void {
    const cell = this.cellOf(trigger)
    if (pairId >= this.#wantedBy.length) this.#wantedBy = enlarged(this.#wantedBy, new Uint8Array(pairId * 2))
    this.#wantedBy[pairId] = cell
  }

  wantedBy(pairId: number): number {
    return this.#wantedBy[pairId] ?? 0
  }

  forget(pairId: number): void {
    if (pairId < this.#cells.length) this.#cells[pairId] = 0
  }

  #find(pairId: number): number {
    const { chain, pair } = this.#table.namesOf(pairId)
    const cell = this.cellOfNames(chain, pair)
    if (pairId >= this.#cells.length) this.#cells = enlarged(this.#cells, new Uint8Array(pairId * 2))
    this.#cells[pairId] = cell + 1
    return cell
  }
}

export function isArmB(cell: number): boolean {
  return cell >= CELLS / 2
}
