import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { NameLogReader } from '../../../src/cache/names/name-log.ts'
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

  test('leaves all ids for good while no part can tell which pairs have a value', () => {
    const table = new PairTable({ maxPairs: 2 })
    table.keep({ holds: () => false })
    table.release(table.register('c', 'a'))
    table.register('c', 'b')
    expect(table.register('c', 'd')).toBe(TABLE_FULL)
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

describe('a full pair table, whose parts tell which pairs have a value,', () => {
  function stageOf(options: { readonly maxPairs: number; readonly maxChains?: number }) {
    const table = new PairTable(options)
    const [valued, busy] = [new Set<number>(), new Set<number>()]
    const told: string[] = []
    table.keep({
      lives: (id) => valued.has(id),
      holds: (id) => busy.has(id),
      forget: (id) => told.push(`forget ${table.pairName(id)}`),
      given: (_, { chain, pair }) => told.push(`given ${chain} ${pair}`),
      forgetChain: (id) => told.push(`forget chain ${table.chainName(id)}`),
    })
    const store = (chain: string, pair: string): number => {
      const id = table.register(chain, pair)
      if (id >= 0) valued.add(id)
      return id
    }
    const remove = (id: number): void => {
      valued.delete(id)
      table.release(id)
    }
    return { table, valued, busy, told, store, remove }
  }

  test('gives the id of a deleted pair to a new one, and tells all parts first', () => {
    const { table, told, store, remove } = stageOf({ maxPairs: 2 })
    const id = store('c', 'a')
    store('c', 'b')
    remove(id)
    told.length = 0
    expect([store('c', 'new'), told]).toEqual([id, ['forget a', 'given c new']])
    expect([table.find('c', 'a'), table.find('c', 'new'), table.pairName(id)]).toEqual([UNKNOWN_PAIR, id, 'new'])
    expect([registerBytes(table, 'c', 'new'), table.size, table.recycled]).toEqual([id, 2, 1])
  })

  test('takes no id from a pair that was listed again, or that something under way will come back to', () => {
    const { table, busy, store, remove } = stageOf({ maxPairs: 3 })
    const [again, held, asked] = [store('c', 'again'), store('c', 'held'), table.ask('c', 'asked')]
    remove(again)
    store('c', 'again')
    remove(held)
    busy.add(held)
    table.holds.hold([asked, asked])
    table.holds.letGo([asked])
    expect(store('c', 'new')).toBe(TABLE_FULL)
    table.holds.letGo([asked])
    expect([store('c', 'new'), store('c', 'newer')]).toEqual([asked, TABLE_FULL])
    busy.clear()
    expect([store('c', 'newer'), table.find('c', 'again')]).toEqual([held, again])
  })

  test('takes the ids of pairs that have lost their values without being deleted, or never had one', () => {
    const { valued, table, store } = stageOf({ maxPairs: 100 })
    const ids = Array.from({ length: 99 }, (_, i) => store('c', `P${i}`))
    const refused = table.register('c', 'a record that was refused')
    // A few pairs are looked at for each new name.
    expect(Array.from({ length: 3 }, () => store('c', 'new'))).toContain(refused)
    valued.delete(ids[70] as number)
    const tries = Array.from({ length: 3 }, () => store('c', 'newer'))
    expect(tries).toContain(ids[70])
  })

  test('gives each name that is only asked for the id of an earlier one, and never more than half of the ids', () => {
    const { table, store } = stageOf({ maxPairs: 10 })
    for (let i = 0; i < 1_000; i++) expect(table.ask('c', `made up ${i}`)).toBeLessThan(5)
    for (let i = 0; i < 10; i++) expect(store('c', `pair ${i}`)).toBeGreaterThanOrEqual(0)
    expect([table.size, table.asksWithoutId, table.ask('c', 'one more')]).toEqual([10, 0, TABLE_FULL])
  })

  test('holds the ids of pairs that are asked for together, so that none goes to another one of them', () => {
    const { table } = stageOf({ maxPairs: 4 })
    expect(table.askAndHold('c', ['a', 'b', 'd'])).toEqual([0, 1, TABLE_FULL])
    table.holds.letGo([0, 1, TABLE_FULL])
    expect(table.askAndHold('c', ['d'])).toEqual([0])
  })

  test('gives the id of a chain whose pairs are all deleted, or that never had one, to a new chain', () => {
    const { table, told, store, remove } = stageOf({ maxPairs: 100, maxChains: 2 })
    const ids = [store('a', 'P'), store('a', 'Q')]
    table.chainId('empty')
    expect([store('b', 'P'), table.chains]).toEqual([2, ['a', 'b']])
    expect(store('d', 'P')).toBe(CHAINS_FULL)
    for (const id of ids) remove(id)
    const id = store('d', 'P')
    expect(table.namesOf(id)).toEqual({ chain: 'd', pair: 'P' })
    expect([table.chains, table.find('a', 'P'), told]).toEqual([
      ['b', 'd'],
      UNKNOWN_PAIR,
      expect.arrayContaining(['forget P', 'forget Q', 'forget chain a', 'given d P']),
    ])
    expect([registerBytes(table, 'd', 'P'), registerBytes(table, 'a', 'P')]).toEqual([id, CHAINS_FULL])
  })

  test('knows every pair by its own name, whatever comes and goes', () => {
    const step = fc.tuple(fc.nat(3), fc.constantFrom('a', 'b', 'd'), fc.nat(9))
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (steps) => {
        const { table, valued, store, remove } = stageOf({ maxPairs: 5, maxChains: 2 })
        const reader = new NameLogReader(table.log.buffer)
        for (const [what, chain, at] of steps) {
          const pair = `P${at}`
          const known = table.find(chain, pair)
          if (what === 0 && known >= 0) remove(known)
          else if (what === 1) table.ask(chain, pair)
          else if (store(chain, pair) < 0)
            expect(valued.size === 5 || table.chains.every((each) => each !== chain)).toBe(true)
          const id = table.find(chain, pair)
          if (id >= 0) expect(table.namesOf(id)).toEqual({ chain, pair })
          reader.catchUp()
          for (const each of ['a', 'b', 'd']) {
            const found = table.find(each, pair)
            if (found >= 0) expect(reader.find(each, pair) % 2 ** 26).toBe(found)
          }
        }
      }),
    )
  })
})
