import { type CachedPrice, isTombstone, type PriceColumns, priceOfRow } from '../../../src/cache/cached-price.ts'
import type { Deletion, L2, L2Load, L2Write, OnNewer } from '../../../src/cache/l2/l2.ts'
import type { PairTable } from '../../../src/cache/names/pair-table.ts'

interface Stored {
  readonly version: number
  /** Undefined for a deletion. */
  readonly price?: CachedPrice | undefined
}

interface Row extends Stored {
  readonly pairId: number
  readonly key: string
}

/**
 * A second level that knows names, as Redis does: a pair id becomes a name when a command is sent, and the answer comes back
 * to the id some turns of the event loop later. Other processes write to `stored`.
 */
export class NamedL2 implements Pick<L2, 'load' | 'write' | 'delete' | 'lives' | 'forget'> {
  readonly stored = new Map<string, Stored>()
  readonly #table: PairTable
  readonly #onNewer: OnNewer
  readonly #random: () => number

  constructor(options: { readonly table: PairTable; readonly onNewer: OnNewer; readonly random: () => number }) {
    this.#table = options.table
    this.#onNewer = options.onNewer
    this.#random = options.random
  }

  /** Takes the place of another level. */
  replace(level: L2): void {
    for (const name of ['load', 'write', 'delete', 'lives', 'forget'] as const)
      Object.assign(level, { [name]: this[name].bind(this) })
  }

  lives(): boolean {
    return false
  }

  forget(): void {}

  async load(pairIds: readonly number[]): Promise<L2Load> {
    const keys = pairIds.map((pairId) => this.#keyOf(pairId))
    await this.#someTurns()
    const found = keys.map((key) => this.stored.get(key))
    await this.#someTurns()
    for (const [at, entry] of found.entries())
      if (entry !== undefined && entry.price === undefined)
        this.#onNewer(pairIds[at] as number, entry.version + 1, true)
    return { status: 'loaded', rows: found.map((entry) => entry?.price && { ...entry.price }) }
  }

  async write(columns: PriceColumns, from: number, to: number): Promise<L2Write> {
    let written = 0
    // In two trips, with a rest between them: the second half becomes names later.
    const half = Math.ceil((from + to) / 2)
    for (const [first, end] of [
      [from, half],
      [half, to],
    ] as const) {
      const rows: Row[] = []
      for (let row = first; row < end; row++) if (columns.versions[row] !== 0) rows.push(this.#rowOf(columns, row))
      written += await this.#send(rows)
    }
    return { status: 'written', written, older: to - from - written }
  }

  async delete(deletions: readonly Deletion[]): Promise<L2Write> {
    const keys = deletions.map(({ pairId }) => this.#keyOf(pairId))
    await this.#someTurns()
    const outcomes = deletions.map((deletion, at) => this.#tombstone(deletion, keys[at] as string))
    await this.#someTurns()
    for (const [at, { floor }] of outcomes.entries())
      if (floor !== undefined) this.#onNewer(deletions[at]?.pairId as number, floor)
    return { status: 'written', written: 0, older: outcomes.filter(({ isOlder }) => isOlder).length }
  }

  /** As another process does it. */
  put(key: string, entry: Stored): boolean {
    const before = this.stored.get(key)
    const floor = before === undefined ? 0 : before.version + (before.price === undefined ? 1 : 0)
    if (entry.version < floor) return false
    this.stored.set(key, entry)
    return true
  }

  async #send(rows: readonly Row[]): Promise<number> {
    await this.#someTurns()
    const refused = rows.filter(({ key, version, price }) => !this.put(key, { version, price }))
    const floors = refused.map(({ pairId, key }) => ({ pairId, entry: this.stored.get(key) as Stored }))
    await this.#someTurns()
    for (const { pairId, entry } of floors)
      this.#onNewer(pairId, entry.price === undefined ? entry.version + 1 : entry.version)
    return rows.length - refused.length
  }

  #tombstone(
    { version, upTo = Number.POSITIVE_INFINITY }: Deletion,
    key: string,
  ): { isOlder: boolean; floor?: number } {
    const before = this.stored.get(key)
    if (before !== undefined && before.version > upTo)
      return { isOlder: true, floor: before.price === undefined ? before.version + 1 : before.version }
    const newest = Math.max(version, before?.version ?? 0)
    this.stored.set(key, { version: newest })
    return newest > version ? { isOlder: false, floor: newest + 1 } : { isOlder: false }
  }

  #rowOf(columns: PriceColumns, row: number): Row {
    const pairId = columns.pairIds[row] as number
    const price = isTombstone(columns, row) ? undefined : priceOfRow(columns, row)
    return { pairId, key: this.#keyOf(pairId), version: columns.versions[row] as number, price }
  }

  #keyOf(pairId: number): string {
    return this.#table.pairName(pairId)
  }

  async #someTurns(): Promise<void> {
    for (let left = Math.floor(this.#random() * 3); left > 0; left--)
      await new Promise((resolve) => setImmediate(resolve))
  }
}
