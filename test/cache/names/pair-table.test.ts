import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { CHAINS_FULL, PairTable, TABLE_FULL, UNKNOWN_PAIR } from '../../../src/cache/names/pair-table.ts'
import { viewOf } from '../l1/view-of.ts'

/** A name that a record may have for a chain or a pair. */
const name = fc.string({ maxLength: 12, unit: 'grapheme' }).filter((text) => Buffer.byteLength(text) <= 64)

function registerBytes(table: PairTable, chain: string, pair: string): number {
  const record = Buffer.from(`${chain}|${pair}`)
  const chainBytes = Buffer.byteLength(chain)
  const chainId = table.chainIdOfBytes(viewOf(record), 0, chainBytes)
  return table.registerBytes(chainId, viewOf(record), chainBytes + 1, record.length)
}

describe('a pair table', () => {
  test('leaves half of its ids to updates, whatever pairs are asked for', () => {
    const table = new PairTable({ maxPairs: 10 })
    const asked = Array.from({ length: 8 }, (_, i) => table.ask('ethereum', `made up ${i}`))
    expect(asked).toEqual([0, 1, 2, 3, 4, TABLE_FULL, TABLE_FULL, TABLE_FULL])
    expect([table.asksWithoutId, table.size]).toEqual([3, 5])
    expect(table.ask('ethereum', 'made up 0')).toBe(0)
    const updated = Array.from({ length: 5 }, (_, i) => table.register('ethereum', `pair ${i}`))
    expect(updated).toEqual([5, 6, 7, 8, 9])
    expect([table.ask('ethereum', 'pair 4'), table.asksWithoutId]).toEqual([9, 3])
  })

  test('leaves half of its chains to updates, whatever chains are asked for', () => {
    const table = new PairTable({ maxPairs: 1_000_000 })
    for (let i = 0; i < 32_769; i++) table.ask(`made up ${i}`, 'pair')
    expect([table.chains.length, table.asksWithoutId, table.register('ethereum', 'pair')]).toEqual([32_768, 1, 32_768])
  })

  test('gives a pair one id, whether its name comes as a string or as bytes of a record', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(name, name, fc.boolean()), { maxLength: 60, size: 'max' }), (entries) => {
        const table = new PairTable({ maxPairs: 1000 })
        const ids = new Map<string, number>()
        for (const [chain, pair, asBytes] of entries) {
          const key = JSON.stringify([chain, pair])
          expect(table.find(chain, pair)).toBe(ids.get(key) ?? UNKNOWN_PAIR)
          const id = asBytes ? registerBytes(table, chain, pair) : table.register(chain, pair)
          expect(id).toBe(ids.get(key) ?? ids.size)
          ids.set(key, id)
          expect([table.pairName(id), table.chainName(table.chainOf(id))]).toEqual([pair, chain])
        }
        expect(table.size).toBe(ids.size)
        expect(new Set(table.chains).size).toBe(table.chains.length)
      }),
    )
  })

  test('tells pairs of the same name in two chains apart', () => {
    const table = new PairTable({ maxPairs: 10 })
    expect(table.register('ethereum', 'WETH')).toBe(0)
    expect(table.register('base', 'WETH')).toBe(1)
    expect(table.find('base', 'WETH')).toBe(1)
    expect(table.find('polygon', 'WETH')).toBe(UNKNOWN_PAIR)
  })

  test('refuses a new pair when it is full, and still knows the others', () => {
    const table = new PairTable({ maxPairs: 2 })
    table.register('c', 'a')
    table.register('c', 'b')
    expect(table.register('c', 'd')).toBe(TABLE_FULL)
    expect(registerBytes(table, 'c', 'd')).toBe(TABLE_FULL)
    expect(table.find('c', 'd')).toBe(UNKNOWN_PAIR)
    expect(registerBytes(table, 'c', 'b')).toBe(1)
    expect(table.size).toBe(2)
  })

  test('refuses a new chain beyond 65,536, and its pairs', () => {
    const table = new PairTable({ maxPairs: 10 })
    for (let chain = 0; chain < 65_536; chain++) table.chainId(`chain-${chain}`)
    expect(table.chainId('one more')).toBe(CHAINS_FULL)
    expect(table.register('one more', 'a')).toBe(CHAINS_FULL)
    expect(registerBytes(table, 'one more', 'a')).toBe(CHAINS_FULL)
    expect(registerBytes(table, 'chain-65535', 'a')).toBe(0)
  })

  test('reads bytes that are no UTF-8 as the name of their replacement', () => {
    const table = new PairTable({ maxPairs: 10 })
    const chainId = table.chainId('c')
    const id = table.registerBytes(chainId, viewOf(Buffer.from([0x61, 0xff])), 0, 2)
    expect(table.pairName(id)).toBe('a\ufffd')
    expect(table.registerBytes(chainId, viewOf(Buffer.from([0x61, 0xfe])), 0, 2)).toBe(id)
    expect(table.register('c', 'a\ufffd')).toBe(id)
    expect(table.size).toBe(1)
  })

  test('has an empty name for an id that it did not give', () => {
    const table = new PairTable({ maxPairs: 10 })
    expect([table.pairName(7), table.chainName(7), table.chainOf(7)]).toEqual(['', '', -1])
  })
})

test('a name longer than records may have gets no id, even if somebody asks for it', () => {
  const table = new PairTable({ maxPairs: 10 })
  expect(table.ask('ethereum', 'x'.repeat(257))).toBe(TABLE_FULL)
  expect(table.ask('x'.repeat(1000), 'a')).toBe(TABLE_FULL)
  expect(table.ask('ethereum', 'x'.repeat(256))).toBe(0)
  for (let pair = 1; pair < 10; pair++) expect(table.register('ethereum', `${pair}${'ü'.repeat(127)}`)).toBe(pair)
})
