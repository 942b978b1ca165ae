import { NUMBER_COUNT } from '../../../schemas/price-update.ts'
import type { CachedPrice, PriceColumns } from '../../../src/cache/cached-price.ts'
import type { Deletion, L2, L2Load, L2State, L2Write, WritePace } from '../../../src/cache/l2/l2.ts'

export interface WrittenRow {
  readonly pairId: number
  readonly version: number
  readonly price: number
}

/** A call that waits for the test to answer it. */
export interface PendingWrite {
  readonly rows: readonly WrittenRow[]
  readonly sourceCodes: readonly number[]
  succeed(): Promise<void>
  fail(): Promise<void>
  /** Answers that all rows but these were written. */
  failFor(unwritten: readonly number[]): Promise<void>
}

export interface PendingLoad {
  readonly pairIds: readonly number[]
  /** The values that were stored when it was asked; they may be old when it answers. */
  readonly found: readonly (WrittenRow | undefined)[]
  /** `unknown`: the places of pairs whose part of the level is away. */
  answer(rows: readonly (CachedPrice | undefined)[], unknown?: ReadonlySet<number>): Promise<void>
  fail(): Promise<void>
  /** Rejects, which no level should do. */
  reject(fault: Error): Promise<void>
}

const AWAY = { status: 'unavailable', reason: 'away' } as const

/** A second level whose every answer the test gives, when and in the order that it likes. */
export class ControlledL2 implements L2 {
  readonly writes: PendingWrite[] = []
  readonly loads: PendingLoad[] = []
  readonly deleted: number[] = []
  /** The newest value of each pair in the writes that succeeded. */
  readonly stored = new Map<number, WrittenRow>()
  #isAway = false

  async start(): Promise<void> {}

  load(pairIds: readonly number[]): Promise<L2Load> {
    const { promise, resolve, reject } = Promise.withResolvers<L2Load>()
    const settle = settler(resolve)
    this.loads.push({
      pairIds: [...pairIds],
      found: pairIds.map((pairId) => this.stored.get(pairId)),
      answer: (rows, unknown) => {
        this.#isAway = false
        return settle({ status: 'loaded', rows, ...(unknown !== undefined && { unknown }) })
      },
      fail: () => {
        this.#isAway = true
        return settle(AWAY)
      },
      reject: settler(reject),
    })
    return promise
  }

  write(columns: PriceColumns, from: number, to: number, _pace?: WritePace): Promise<L2Write> {
    const { promise, resolve } = Promise.withResolvers<L2Write>()
    const settle = settler(resolve)
    const rows = rowsOf(columns, from, to)
    const store = (stored: readonly WrittenRow[]): void => {
      for (const row of stored)
        if ((this.stored.get(row.pairId)?.version ?? 0) <= row.version) this.stored.set(row.pairId, row)
    }
    this.writes.push({
      rows,
      sourceCodes: [...columns.sourceCodes.slice(from, to)],
      succeed: () => {
        store(rows)
        return settle({ status: 'written', written: rows.length, older: 0 })
      },
      fail: () => settle(AWAY),
      failFor: (unwritten) => {
        store(rows.filter((_, at) => !unwritten.includes(from + at)))
        return settle({ ...AWAY, unwritten, written: rows.length - unwritten.length })
      },
    })
    return promise
  }

  async delete(deletions: readonly Deletion[]): Promise<L2Write> {
    for (const { pairId } of deletions) {
      this.deleted.push(pairId)
      this.stored.delete(pairId)
    }
    return { status: 'written', written: deletions.length, older: 0 }
  }

  state(): L2State {
    return this.#isAway ? { status: 'degraded', reason: 'away', sinceMs: 0 } : { status: 'up' }
  }

  async close(): Promise<void> {}
}

/** Gives an answer, and resolves when whoever waited for it has gone on. */
function settler<T>(resolve: (answer: T) => void): (answer: T) => Promise<void> {
  return (answer) => {
    resolve(answer)
    return new Promise((done) => setImmediate(done))
  }
}

function rowsOf(columns: PriceColumns, from: number, to: number): WrittenRow[] {
  return Array.from({ length: to - from }, (_, at) => ({
    pairId: columns.pairIds[from + at] as number,
    version: columns.versions[from + at] as number,
    price: columns.numbers[(from + at) * NUMBER_COUNT] as number,
  }))
}
