import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { NameTable } from '../../../src/cache/names/name-table.ts'
import { viewOf } from '../l1/view-of.ts'

const name = fc.oneof(
  { weight: 3, arbitrary: fc.uint8Array({ maxLength: 3 }) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }) },
)

describe('a name table', () => {
  test('finds a name under its owner, wherever its bytes lie, and finds nothing else', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(name, fc.integer({ min: 0, max: 3 })), { maxLength: 200, size: 'max' }),
        (entries) => {
          const table = new NameTable()
          const ids = new Map<string, number>()
          for (const [bytes, owner] of entries) {
            const key = `${owner} ${Buffer.from(bytes).toString('hex')}`
            const record = Buffer.concat([Buffer.from('<'), bytes, Buffer.from('>')])
            const found = table.find(viewOf(record), 1, 1 + bytes.length, owner)
            expect(found).toBe(ids.get(key) ?? -1)
            if (found >= 0) continue
            expect(table.add(bytes, owner)).toBe(ids.size)
            ids.set(key, ids.size)
          }
          expect(table.size).toBe(ids.size)
        },
      ),
    )
  })

  test('finds the names that are left, and no others, whatever names were removed and added', () => {
    const step = fc.tuple(fc.boolean(), name, fc.integer({ min: 0, max: 1 }))
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
        const table = new NameTable()
        const ids = new Map<string, number>()
        for (const [isRemoval, bytes, owner] of steps) {
          const key = `${owner} ${Buffer.from(bytes).toString('hex')}`
          const id = ids.get(key)
          expect(table.find(viewOf(Buffer.from(bytes)), 0, bytes.length, owner)).toBe(id ?? -1)
          if (id === undefined) {
            ids.set(key, table.add(bytes, owner))
            expect(new Set(ids.values()).size).toBe(ids.size)
          } else if (isRemoval) {
            table.remove(id)
            ids.delete(key)
            expect([table.ownerOf(id), table.size]).toEqual([-1, ids.size])
          }
        }
        for (const [key, id] of ids) {
          const [owner = '', hex = ''] = key.split(' ')
          const bytes = Buffer.from(hex, 'hex')
          expect([table.find(viewOf(bytes), 0, bytes.length, Number(owner)), table.ownerOf(id)]).toEqual([
            id,
            Number(owner),
          ])
        }
      }),
    )
  })

  test('takes no more memory for names that come and go than for those that stay', () => {
    const table = new NameTable()
    const bytes = Buffer.alloc(200)
    let id = -1
    for (let round = 0; round < 20_000; round++) {
      bytes.writeUInt32LE(round)
      if (id >= 0) table.remove(id)
      id = table.add(bytes, 0)
    }
    expect([id, table.end, table.find(viewOf(bytes), 0, 200, 0)]).toEqual([0, 1, 0])
    expect(table.bytes).toBeLessThan(100_000)
  })

  test('keeps every name while it grows', () => {
    const table = new NameTable()
    const names = Array.from({ length: 20_000 }, (_, id) => Buffer.from(`pair-${id}-${'x'.repeat(id % 40)}`))
    for (const [id, bytes] of names.entries()) expect(table.add(bytes, id % 7)).toBe(id)
    for (const [id, bytes] of names.entries()) {
      if (table.find(viewOf(bytes), 0, bytes.length, id % 7) !== id || table.ownerOf(id) !== id % 7)
        throw new Error(`lost ${bytes} of ${id % 7}`)
    }
    expect(table.find(viewOf(Buffer.from('pair-1')), 0, 6, 1)).toBe(-1)
  })

  test('keeps its own copy of a name', () => {
    const table = new NameTable()
    const bytes = Buffer.from('WETH')
    table.add(bytes, 0)
    bytes.fill('x')
    expect(table.find(viewOf(Buffer.from('WETH')), 0, 4, 0)).toBe(0)
    expect(table.find(viewOf(bytes), 0, 4, 0)).toBe(-1)
  })

  test('knows no owner of an id that was not given', () => {
    expect(new NameTable().ownerOf(2000)).toBe(-1)
  })
})
