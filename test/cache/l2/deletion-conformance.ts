import { expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { L2 } from '../../../src/cache/l2/l2.ts'
import type { PairTable } from '../../../src/cache/names/pair-table.ts'
import { cachedPrice, columnsOf } from './columns.ts'
import { changes, newestChangeWins } from './properties.ts'

interface Level {
  readonly l2: L2
  readonly table: PairTable
  readonly chain: string
  /** What the level said of newer versions: pair ids and floors. */
  readonly newer: readonly (readonly [pairId: number, floor: number])[]
}

const NOTHING = { status: 'loaded', rows: [undefined] }

/** What every second level does with deletions, and tells of what is newer than its caller thinks. */
export function deletionConformance(level: () => Level): void {
  const pair = (name: string) => level().table.register(level().chain, name)
  const write = (pairId: number, version: number) => level().l2.write(columnsOf([{ pairId, version }]), 0, 1)
  deletionOrderConformance(level)
  const deleted = (written: number) => ({ status: 'written', written, older: 0 })

  it('deletes values, counts those that were there, and takes only versions above the deletion afterwards', async () => {
    const [a, b] = [pair('a'), pair('b')]
    const { l2 } = level()
    await write(a, 10)
    const deletions = [a, b].map((pairId) => ({ pairId, version: 10 }))
    expect(await l2.delete(deletions)).toEqual(deleted(1))
    expect(await l2.delete(deletions)).toEqual(deleted(0))
    expect(await l2.load([a])).toEqual(NOTHING)
    for (const pairId of [a, b]) {
      expect(await write(pairId, 10)).toEqual({ status: 'written', written: 0, older: 1 })
      expect(await l2.load([pairId])).toEqual(NOTHING)
      expect(await write(pairId, 11)).toEqual({ status: 'written', written: 1, older: 0 })
      expect(await l2.load([pairId])).toEqual({ status: 'loaded', rows: [cachedPrice({ version: 11 })] })
    }
  })

  it('deletes a value that is newer than the deletion, and tells so', async () => {
    const { l2, newer } = level()
    const a = pair('a')
    await write(a, 10)
    expect(await l2.delete([{ pairId: a, version: 3 }])).toEqual(deleted(1))
    expect(newer).toEqual([[a, 11]])
    expect(await write(a, 10)).toEqual({ status: 'written', written: 0, older: 1 })
  })

  it('takes a row without numbers as a deletion, unless something newer is stored', async () => {
    const { l2 } = level()
    const [a, b] = [pair('a'), pair('b')]
    await write(a, 10)
    await write(b, 12)
    const rows = [a, b].map((pairId) => ({ pairId, version: 11, price: Number.NaN }))
    expect(await l2.write(columnsOf(rows), 0, 2)).toEqual({ status: 'written', written: 1, older: 1 })
    expect(await l2.load([a, b])).toEqual({ status: 'loaded', rows: [undefined, cachedPrice({ version: 12 })] })
  })
}

/** Which of a deletion and a value wins. */
function deletionOrderConformance(level: () => Level): void {
  const pair = (name: string) => level().table.register(level().chain, name)
  const write = (pairId: number, version: number) => level().l2.write(columnsOf([{ pairId, version }]), 0, 1)

  it('leaves what is newer than a deletion up to a version, in whatever order the two come, and tells so', async () => {
    const { l2, newer } = level()
    const [a, b, c] = [pair('a'), pair('b'), pair('c')]
    await write(a, 10)
    const deletions = [a, b, c].map((pairId) => ({ pairId, version: 5, upTo: 8 }))
    await write(c, 7)
    expect(await l2.delete(deletions)).toEqual({ status: 'written', written: 1, older: 1 })
    expect(newer).toEqual([
      [a, 10],
      [c, 8],
    ])
    for (const [pairId, version] of [
      [b, 10],
      [c, 7],
    ] as const)
      await write(pairId, version)
    expect(await l2.load([a, b, c])).toEqual({
      status: 'loaded',
      rows: [cachedPrice({ version: 10 }), cachedPrice({ version: 10 }), undefined],
    })
  })

  it('keeps the newest of values and deletions, in whatever order 100 schedules bring them', async () => {
    let runs = 0
    const property = fc.asyncProperty(changes, (each) => newestChangeWins(level().l2, pair(`run-${runs++}`), each))
    await fc.assert(property, { numRuns: 100 })
  })

  it('keeps the later of two deletions', async () => {
    const { l2 } = level()
    const a = pair('a')
    await l2.delete([{ pairId: a, version: 20, upTo: 20 }])
    expect(await l2.delete([{ pairId: a, version: 5, upTo: 5 }])).toEqual({ status: 'written', written: 0, older: 1 })
    await write(a, 20)
    expect(await l2.load([a])).toEqual(NOTHING)
  })
}

/** The answers that let L1 drop what L2 does not have. */
export function newerConformance(level: () => Level): void {
  const pair = (name: string) => level().table.register(level().chain, name)
  const write = (pairId: number, version: number) => level().l2.write(columnsOf([{ pairId, version }]), 0, 1)

  it('tells the lowest version that it still takes when it refuses one, and when it loads a deletion', async () => {
    const { l2, newer } = level()
    const [a, b] = [pair('a'), pair('b')]
    await write(a, 10)
    await write(a, 9)
    await l2.delete([{ pairId: b, version: 20 }])
    await write(b, 20)
    await l2.load([a, b])
    expect(newer).toEqual([
      [a, 10],
      [b, 21],
      [b, 21],
    ])
  })
}
