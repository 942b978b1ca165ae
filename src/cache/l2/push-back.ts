import { Alarm } from '../../alarm.ts'
import type { Timer } from '../../timer.ts'
import { emptyPrice, priceColumns, setRow } from '../cached-price.ts'
import type { FirstLevel } from '../l1/first-level.ts'
import type { PairTable } from '../names/pair-table.ts'
import type { L2 } from './l2.ts'

/**
 * A Redis that was restarted or failed over may have gone backwards, or hold nothing: what L1 has goes to L2 again, by
 * the versioned write, which leaves alone what is newer there. A slice at a time, one after the other, so that neither
 * updates nor reads wait for it. They are no news, and pass by the write-behind and by what it feeds.
 */
export interface PushBackOptions {
  readonly table: Pick<PairTable, 'size'>
  readonly l1: Pick<FirstLevel, 'peek'>
  readonly l2: Pick<L2, 'write'>
  readonly timer?: Timer
}

/** Encoding and sending so many takes about half a millisecond of the thread, and so does looking at so many pairs. */
const ROWS_A_SLICE = 256
const PAIRS_A_SLICE = 4_096
const EVERY_MS = 10
/** After a slice that L2 did not take. */
const AWAY_MS = 1_000

export class PushBack {
  readonly #options: PushBackOptions
  readonly #price = emptyPrice()
  readonly #columns = priceColumns(ROWS_A_SLICE)
  #next = 0
  /** Pairs still to be looked at, from `#next` on and around. */
  #left = 0
  /** Something of this round was not taken: another follows. */
  #isLacking = false
  readonly #nextSlice: Alarm
  #isWriting = false
  /** Values that L2 took. */
  pushed = 0

  constructor(options: PushBackOptions) {
    this.#options = options
    this.#nextSlice = new Alarm(() => void this.#slice(), options.timer)
  }

  /** Every pair once, from now on; called again in between, the round begins anew where it is. */
  start(): void {
    this.#left = this.#options.table.size
    this.#isLacking = false
    if (this.#left > 0 && !this.#nextSlice.isSet && !this.#isWriting) this.#nextSlice.set(EVERY_MS)
  }

  close(): void {
    this.#nextSlice.close()
  }

  async #slice(): Promise<void> {
    this.#gather()
    const columns = this.#columns
    this.#isWriting = true
    const outcome = await this.#options.l2.write(columns, 0, columns.count)
    this.#isWriting = false
    // One master of a cluster may be away: the round goes on for the chains of the others.
    if (outcome.status === 'written') this.pushed += outcome.written
    else this.#isLacking = true
    if (this.#left === 0 && this.#isLacking) {
      this.#left = this.#options.table.size
      this.#isLacking = false
    }
    if (this.#left > 0) this.#nextSlice.set(outcome.status === 'written' ? EVERY_MS : AWAY_MS)
  }

  #gather(): void {
    const { table, l1 } = this.#options
    const columns = this.#columns
    const price = this.#price
    columns.count = 0
    for (let looked = 0; looked < PAIRS_A_SLICE && columns.count < ROWS_A_SLICE && this.#left > 0; looked++) {
      if (this.#next >= table.size) this.#next = 0
      const pairId = this.#next++
      this.#left--
      if (!l1.peek(pairId, price)) continue
      const row = columns.count++
      columns.pairIds[row] = pairId
      setRow(columns, row, price)
    }
  }
}
