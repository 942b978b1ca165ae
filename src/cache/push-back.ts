import { NUMBER_COUNT } from '../../schemas/price-update.ts'
import { systemTimer, type Timer } from '../timer.ts'
import type { FirstLevel } from './first-level.ts'
import type { PairTable } from './pair-table.ts'
import { emptyRecord, writeNumbers } from './price-record.ts'
import type { WriteBehind } from './write-behind.ts'

/**
 * A Redis that was restarted or failed over may have gone backwards, or hold nothing: what L1 has goes to L2 again, by
 * the versioned write, which leaves alone what is newer there. A slice of the pairs at a time, through the write-behind
 * and only while half of its rows are free, so that updates never wait for it.
 */
export interface PushBackOptions {
  readonly table: Pick<PairTable, 'size'>
  readonly l1: Pick<FirstLevel, 'peek'>
  readonly writeBehind: WriteBehind
  readonly timer?: Timer
}

/** Looking at so many takes less than half a millisecond. */
const PAIRS_A_SLICE = 1_000
const EVERY_MS = 10
/** Until the write-behind is looked at again when it had no room. */
const NO_ROOM_MS = 100

export class PushBack {
  readonly #options: PushBackOptions
  readonly #timer: Timer
  readonly #record = emptyRecord()
  readonly #numbers = new Float64Array(NUMBER_COUNT)
  #next = 0
  /** Pairs still to be looked at, from `#next` on and around. */
  #left = 0
  #cancel: (() => void) | undefined
  #closed = false
  /** Values handed to the write-behind so far. */
  pushed = 0

  constructor(options: PushBackOptions) {
    this.#options = options
    this.#timer = options.timer ?? systemTimer
  }

  /** Every pair once, from now on; called again in between, the round begins anew where it is. */
  start(): void {
    this.#left = this.#options.table.size
    if (this.#cancel === undefined) this.#schedule(EVERY_MS)
  }

  close(): void {
    this.#closed = true
    this.#cancel?.()
  }

  #schedule(delayMs: number): void {
    if (this.#left === 0 || this.#closed) return
    this.#cancel = this.#timer(delayMs, () => {
      this.#cancel = undefined
      this.#slice()
    })
  }

  #slice(): void {
    const { table, writeBehind } = this.#options
    for (let looked = 0; looked < PAIRS_A_SLICE && this.#left > 0; looked++) {
      if (writeBehind.halfFull) {
        this.#schedule(NO_ROOM_MS)
        return
      }
      if (this.#next >= table.size) this.#next = 0
      this.#push(this.#next++)
      this.#left--
    }
    this.#schedule(EVERY_MS)
  }

  #push(pairId: number): void {
    const { l1, writeBehind } = this.#options
    const record = this.#record
    // What waits to be written is what L1 has, or newer.
    if (writeBehind.pending(pairId, record) || !l1.peek(pairId, record)) return
    writeNumbers(record, this.#numbers, 0)
    writeBehind.add(pairId, record.version, this.#numbers, 0)
    this.pushed++
  }
}
