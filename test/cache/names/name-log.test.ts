import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { sharedIdOf } from '../../../src/cache/l1/memory.ts'
import { NameLog, NameLogReader } from '../../../src/cache/names/name-log.ts'
import { PairTable } from '../../../src/cache/names/pair-table.ts'

function newTable(maxPairs = 1000): { readonly table: PairTable; readonly reader: () => NameLogReader } {
  const table = new PairTable({ maxPairs })
  return { table, reader: () => new NameLogReader(table.log.buffer) }
}

describe('a reader of the name log', () => {
  test('finds the ids that the table gave, whenever it begins to read', () => {
    const name = fc.string({ minLength: 1, maxLength: 8, unit: 'grapheme' })
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom('a', 'b', 'ü'), name), { maxLength: 60, size: 'max' }), (names) => {
        const { table, reader } = newTable()
        const early = reader()
        for (const [chain, pair] of names) {
          const id = table.register(chain, pair)
          expect(early.find(chain, pair)).toBe(id)
        }
        const late = reader()
        for (const [chain, pair] of names) expect(late.find(chain, pair)).toBe(table.find(chain, pair))
      }),
    )
  })

  test('finds a pair only once it has an id', () => {
    const { table, reader } = newTable()
    const names = reader()
    expect(names.find('ethereum', 'WETH/USDC')).toBe(-1)
    table.chainId('ethereum')
    expect(names.find('ethereum', 'WETH/USDC')).toBe(-1)
    expect(table.register('ethereum', 'WETH/USDC')).toBe(0)
    expect(names.find('ethereum', 'WETH/USDC')).toBe(0)
    expect(names.find('base', 'WETH/USDC')).toBe(-1)
  })

  test('tells two names that had the same id apart, and needs no more memory for names that come and go', () => {
    const table = new PairTable({ maxPairs: 2 })
    table.keep({ lives: () => false })
    const reader = new NameLogReader(table.log.buffer)
    const found = new Set<number>()
    for (let i = 0; i < 10_000; i++) {
      const id = table.register('ethereum', `pair ${i}`)
      found.add(reader.find('ethereum', `pair ${i}`))
      expect(reader.find('ethereum', `pair ${i}`) % 2 ** 26).toBe(id)
    }
    expect([found.size, found.has(-1), table.recycled]).toEqual([10_000, false, 9_998])
    expect(table.log.buffer.byteLength).toBe(65_536)
    const late = new NameLogReader(table.log.buffer)
    expect(late.find('ethereum', 'pair 9999')).toBe(reader.find('ethereum', 'pair 9999'))
  })

  test('does not find a name that has lost its id, which would be that of another when the count of its names comes round', () => {
    const log = new NameLog({ names: 10, nameBytes: 10 })
    const reader = new NameLogReader(log.buffer)
    const give = (id: number, nth: number, name: string) => log.add({ owner: 0, id, nth, name: Buffer.from(name) })
    const found = () => {
      reader.catchUp()
      return ['A', 'B', 'C'].map((name) => reader.find('ethereum', name))
    }
    log.addChain({ id: 0, nth: 0, name: Buffer.from('ethereum') })
    give(0, 0, 'A')
    give(0, 1, 'B')
    expect(found()).toEqual([-1, sharedIdOf(0, 1), -1])
    // A name may get its next id before its former one goes to another name.
    give(1, 0, 'B')
    give(0, 0, 'C')
    expect(found()).toEqual([-1, 1, 0])
  })

  test('does not find the pairs of a chain under the name of the one that had its id', () => {
    const table = new PairTable({ maxPairs: 10, maxChains: 1 })
    table.keep({ lives: () => false })
    const reader = new NameLogReader(table.log.buffer)
    table.register('old', 'P')
    expect(reader.find('old', 'P')).toBe(0)
    const id = table.register('new', 'P')
    reader.catchUp()
    expect([reader.find('old', 'P'), reader.find('new', 'P') % 2 ** 26]).toEqual([-1, id])
  })

  test('follows the log while it grows', () => {
    const { table, reader } = newTable(5000)
    const names = reader()
    for (let pair = 0; pair < 5000; pair++) table.register('ethereum', `${pair}-${'x'.repeat(240)}`)
    expect(names.find('ethereum', `4999-${'x'.repeat(240)}`)).toBe(4999)
  })

  test.each([
    ['nothing', undefined],
    ['an ordinary buffer', new ArrayBuffer(64)],
    ['memory of something else', new SharedArrayBuffer(64)],
    ['memory that is too short', new SharedArrayBuffer(4)],
  ])('refuses %s', (_, buffer) => {
    expect(() => new NameLogReader(buffer)).toThrow(expect.objectContaining({ code: 'bad-shared-memory' }))
  })
})
