import { describe, expect, test } from '@jest/globals'
import { encodePriceAvro } from '../../schemas/price-avro.ts'
import { encodePriceJson } from '../../schemas/price-json.ts'
import { decodePriceRecord, decodePrices } from '../../schemas/price-record.ts'
import { MAX_RECORD_BYTES } from '../../schemas/topics.ts'
import { updateColumns } from '../../schemas/update-columns.ts'
import { outcomeOf, updateOf, WatchedIds } from './price-rows.ts'

const updates = [updateOf({ bid: 1, group: 'g', sequence: 7 }), updateOf({ pair: 'b', price: 0.1 })]
const json = Buffer.from(encodePriceJson(updates))
const avro = encodePriceAvro(updates)

describe('a price record', () => {
  test('is JSON or Avro by its first byte and gives the same rows either way', () => {
    const fromJson = outcomeOf((columns, ids) => decodePrices(json, columns, ids))
    expect(fromJson).toEqual({ reason: undefined, rows: [expect.any(String), expect.any(String)] })
    expect(outcomeOf((columns, ids) => decodePrices(avro, columns, ids))).toEqual(fromJson)
  })

  test('is decoded to the same objects either way', () => {
    expect(decodePriceRecord(json)).toEqual({ ok: true, updates })
    expect(decodePriceRecord(avro)).toEqual({ ok: true, updates })
  })

  test('is refused unread if it is larger than the bound', () => {
    const large = Buffer.alloc(MAX_RECORD_BYTES + 1, ' ')
    expect(outcomeOf((columns, ids) => decodePrices(large, columns, ids))).toEqual({ reason: 'too-large', rows: [] })
    expect(decodePriceRecord(large)).toMatchObject({ reason: 'too-large' })
  })

  test('of the largest size is read with all its updates', () => {
    const item = `${encodePriceJson(updateOf())},`
    const count = Math.floor((MAX_RECORD_BYTES - 2) / item.length)
    const text = `[${item.repeat(count).slice(0, -1)}]`.padEnd(MAX_RECORD_BYTES)
    const columns = updateColumns(1)
    expect(decodePrices(Buffer.from(text), columns, new WatchedIds())).toBeUndefined()
    expect(columns.count).toBe(count)
  })

  test('that is refused says what was expected and what came', () => {
    const detail = (record: object) => {
      const read = decodePriceRecord(Buffer.from(JSON.stringify(record)))
      return read.ok ? '' : read.detail
    }
    expect(detail([updateOf(), { ...updateOf(), price: -2 }])).toBe('update 1: price: at least 0, got -2')
    expect(detail({ ...updateOf(), bid: true })).toBe('update 0: bid: expected a number, got true')
    expect(detail({ v: 'two' })).toBe('expected v 1, got "two"')
    expect(detail({ v: [[]] })).toBe('expected v 1, got a list')
    expect(detail([updateOf(), updateOf({ chain: 'base' })])).toBe(
      'update 1: a record holds one chain, got "base" after "ethereum"',
    )
  })
})
