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
