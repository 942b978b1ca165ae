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

/** A deletion deletes up to its version; a value has the version that it says. */
export interface Change {
  readonly kind: 'value' | 'deletion'
  readonly version: number
}

export const changes = fc.array(
  fc.record({ kind: fc.constantFrom('value' as const, 'deletion' as const), version: fc.integer({ min: 1, max: 9 }) }),
  { minLength: 1, maxLength: 8 },
)

/** Values and deletions of one pair leave the newest, and a deletion wins over a value of its version. `pairId` has nothing yet. */
export async function newestChangeWins(l2: L2, pairId: number, changes: readonly Change[]): Promise<void> {
  for (const { kind, version } of changes) {
    if (kind === 'value') await l2.write(columnsOf([{ pairId, version }]), 0, 1)
    else await l2.delete([{ pairId, version, upTo: version }])
  }
  const newest = (wanted: Change['kind']) =>
    Math.max(0, ...changes.filter(({ kind }) => kind === wanted).map(({ version }) => version))
  const expected = newest('value') > newest('deletion') ? newest('value') : undefined
  const load = await l2.load([pairId])
  const stored = load.status === 'loaded' ? load.rows[0]?.version : load.reason
  if (stored !== expected) throw new Error(`L2 has ${stored}, expected ${expected}`)
}

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
