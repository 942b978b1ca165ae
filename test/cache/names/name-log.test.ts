import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { NameLogReader } from '../../../src/cache/names/name-log.ts'
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
