import { Alarm } from '../../alarm.ts'
import type { Timer } from '../../timer.ts'
import { type CachedPrice, emptyPrice, hasPair, priceColumns, setRow, shorten } from '../cached-price.ts'
import type { FirstLevel } from '../l1/first-level.ts'
import type { PairTable } from '../names/pair-table.ts'
import { WHOLE } from '../sources/codes.ts'
import { decidedNow } from '../sources/decided.ts'
import { FOLLOWS, type Sources } from '../sources/sources.ts'
import type { L2 } from './l2.ts'

/**
 * A Redis that was restarted or failed over may hold older values, or none. So all values of L1 are written to L2 again,
 * by the versioned write, which leaves newer values alone. They go in slices, one after the other, so that neither updates
 * nor reads wait for them. They are no updates, and so they pass by the write-behind and the price history that it feeds.
 */
export interface PushBackOptions {
  readonly table: Pick<PairTable, 'end'>
  readonly l1: Pick<FirstLevel, 'peek'>
  readonly l2: Pick<L2, 'write'>
  /** The partitions that values come from. */
  readonly sources?: Sources
  readonly timer?: Timer
  /** Called for each value that L2 has taken, or has a newer one of. */
  readonly onPushed?: (pairId: number, version: number) => void
}

/** To encode and send so many rows takes about half a millisecond of the thread, and so does looking at so many pairs. */
const ROWS_A_SLICE = 256
const PAIRS_A_SLICE = 4_096
/** One more value may go beyond it. */
const JSON_BYTES_A_SLICE = 262_144
const EVERY_MS = 10
/** The pause after a slice that L2 did not take. */
const AWAY_MS = 1_000

export class PushBack {
  readonly #options: PushBackOptions
  readonly #price = emptyPrice()
  readonly #columns = priceColumns(ROWS_A_SLICE)
  #next = 0
  /** How many pairs are still to be looked at, from `#next` on; after the last pair comes the first. */
  #left = 0
  /** L2 did not take a slice of this round, so that another round follows. */
  #isLacking = false
  readonly #nextSlice: Alarm
  #isWriting = false
  /** Who waits for the end of the round. */
  #ends: ((isWhole: boolean) => void)[] = []
  /** Values that L2 has taken. */
  pushed = 0

  constructor(options: PushBackOptions) {
    this.#options = options
    this.#nextSlice = new Alarm(() => void this.#slice(), options.timer)
  }

  /** Begins a round over all pairs. If one is under way, a whole round follows from where that one stands. */
  start(): void {
    this.#left = this.#options.table.end
    this.#isLacking = false
    if (this.#left > 0 && !this.#nextSlice.isSet && !this.#isWriting) this.#nextSlice.set(EVERY_MS)
  }

  /** As `start`. Resolves to true when L2 has taken a whole round, to false if this is closed before. */
  round(): Promise<boolean> {
    this.start()
    if (this.#left === 0) return Promise.resolve(true)
    return new Promise((resolve) => this.#ends.push(resolve))
  }

  close(): void {
    this.#nextSlice.close()
    this.#end(false)
  }

  #end(isWhole: boolean): void {
    for (const end of this.#ends.splice(0)) end(isWhole)
  }

  /** Whether a value of the pair is being written. */
  holds(pairId: number): boolean {
    return this.#isWriting && hasPair(this.#columns, pairId)
  }

  async #slice(): Promise<void> {
    this.#gather()
    const columns = this.#columns
    this.#isWriting = true
    const outcome = await this.#options.l2.write(columns, 0, columns.count)
    this.#isWriting = false
    // If one master of a cluster is away, the round goes on for the chains of the others.
    this.pushed += outcome.written ?? 0
    if (outcome.status === 'written')
      for (let row = 0; row < columns.count; row++)
        this.#options.onPushed?.(columns.pairIds[row] as number, columns.versions[row] as number)
    else this.#isLacking = true
    if (this.#left === 0 && this.#isLacking) {
      this.#left = this.#options.table.end
      this.#isLacking = false
    }
    if (this.#left === 0) this.#end(true)
    else this.#nextSlice.set(outcome.status === 'written' ? EVERY_MS : AWAY_MS)
  }

  #gather(): void {
    const { table, l1 } = this.#options
    const columns = this.#columns
    const price = this.#price
    shorten(columns, 0)
    for (let looked = 0; looked < PAIRS_A_SLICE && this.#left > 0; looked++) {
      if (columns.count >= ROWS_A_SLICE || columns.jsonBytes >= JSON_BYTES_A_SLICE) return
      if (this.#next >= table.end) this.#next = 0
      const pairId = this.#next++
      this.#left--
      if (!l1.peek(pairId, price)) continue
      const row = columns.count++
      columns.pairIds[row] = pairId
      setRow(columns, row, price, this.#codeOf(price))
    }
  }

  /**
   * A value that may be older than one that L2 has lost is written without its source. Else the stamps of the source, which
   * L2 may still have, would count for it. No node knows that of a topic that is one source.
   */
  #codeOf(price: Readonly<CachedPrice>): number | undefined {
    const { sources } = this.#options
    if (sources === undefined) return undefined
    const { source, asOfMs } = decidedNow(price, sources)
    const isNewest = asOfMs === FOLLOWS && sources.isFollowed(source)
    return isNewest || sources.at(source)?.partition === WHOLE ? sources.codeOf(source) : undefined
  }
}
