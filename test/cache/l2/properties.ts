import fc from 'fast-check'
import type { L2 } from '../../../src/cache/l2/l2.ts'
import { columnsOf } from './columns.ts'

const PAIRS = 3

const write = fc.uniqueArray(fc.record({ pair: fc.nat(PAIRS - 1), version: fc.integer({ min: 1, max: 12 }) }), {
  minLength: 1,
  maxLength: PAIRS,
  selector: ({ pair }) => pair,
})

/** Writes, each of several pairs, in whatever order they come. */
export const writes = fc.array(write, { minLength: 1, maxLength: 12, size: 'max' })

type Writes = readonly (readonly { readonly pair: number; readonly version: number }[])[]

/** I4 for L2 alone. The newest value is stored, whatever the order of the writes. `pairIds` have no value yet. */
export async function newestWins(l2: L2, pairIds: readonly number[], writes: Writes): Promise<void> {
  const newest = new Map<number, number>()
  for (const rows of writes) {
    const columns = columnsOf(rows.map(({ pair, version }) => ({ pairId: pairIds[pair] as number, version })))
    const written = await l2.write(columns, 0, rows.length)
    if (written.status !== 'written') throw new Error(`L2 is ${written.status}`)
    for (const { pair, version } of rows) newest.set(pair, Math.max(newest.get(pair) ?? 0, version))
  }
  const load = await l2.load(pairIds)
  if (load.status !== 'loaded') throw new Error(`L2 is ${load.status}`)
  for (const [pair, version] of newest) {
    const stored = load.rows[pair]
    if (stored?.version !== version || stored.price !== version)
      throw new Error(`pair ${pair} has ${JSON.stringify(stored)}, ${version} is the newest`)
  }
}
