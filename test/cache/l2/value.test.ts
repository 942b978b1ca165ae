import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { NUMBER_COUNT } from '../../../schemas/price-update.ts'
import { emptyPrice } from '../../../src/cache/cached-price.ts'
import { decodeValue, encodeValue, HEAD_BYTES, MAX_VALUE_BYTES, mostBytesOf } from '../../../src/cache/l2/value.ts'
import { MIXED } from '../../../src/cache/sources/codes.ts'
import { StoredJson } from '../../../src/cache/values/stored-json.ts'
import { cachedPrice, columnsOf } from './columns.ts'

const number = fc.oneof(fc.constant(Number.NaN), fc.double({ noNaN: true, noDefaultInfinity: true }))
const anyRecord = fc.record({
  version: fc.maxSafeNat(),
  eventTimeMs: fc.maxSafeNat(),
  price: fc.double({ noNaN: true, noDefaultInfinity: true }),
  bid: number,
  ask: number,
  reserve0: number,
  reserve1: number,
  liquidity: number,
})

function encoded(fields: Parameters<typeof cachedPrice>[0], sourceCode = 0): Buffer {
  const columns = columnsOf([{ pairId: 0, ...cachedPrice(fields), sourceCode }])
  const into = Buffer.alloc(mostBytesOf(columns, 0))
  return into.subarray(0, encodeValue(columns, 0, into, 0))
}

describe('the codec of values in L2', () => {
  it('writes a row without numbers as a tombstone of its version, which an older release cannot read', () => {
    const bytes = encoded({ version: 4_097, price: Number.NaN })
    expect(decodeValue(bytes)).toEqual({ ok: true, price: undefined, version: 4_097 })
    expect([bytes.length, bytes[HEAD_BYTES - 1]]).toEqual([HEAD_BYTES, 0x80])
  })

  it('writes a tombstone in schema 1, whatever source the deletion came from', () => {
    expect(encoded({ version: 4_097, price: Number.NaN }, 7)).toEqual(encoded({ version: 4_097, price: Number.NaN }))
  })

  it('round-trips every price with the code of its source', () => {
    fc.assert(
      fc.property(anyRecord, fc.integer({ min: 0, max: MIXED }), (value, sourceCode) => {
        expect(decodeValue(encoded(value, sourceCode))).toEqual({
          ok: true,
          price: { ...emptyPrice(), ...value },
          sourceCode,
        })
      }),
    )
  })

  it('writes a value whose source is unknown byte for byte as releases without sources did', () => {
    const bytes = encoded({ version: 4_097, price: 1.5, ask: 2 })
    expect(bytes.toString('hex')).toBe(
      '010000000000' + '01b040' + '000000000000f03f' + '05' + '000000000000f83f' + '0000000000000040',
    )
  })

  it('round-trips every value of any kind, and JSON beside the numbers of a price', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.boolean(), fc.integer({ min: 0, max: MIXED }), (value, isPrice, sourceCode) => {
        const json = new StoredJson(JSON.stringify(value))
        const fields = { version: 4_097, price: isPrice ? 1.5 : Number.NaN, json }
        const decoded = decodeValue(encoded(fields, sourceCode), isPrice ? 'prices' : 'values')
        expect(decoded).toMatchObject({ ok: true, sourceCode, price: { version: 4_097, price: fields.price } })
        expect(decoded.ok && decoded.price?.json?.text).toBe(json.text)
      }),
    )
  })

  it('gives the reason other-kind for a price among values of any kind, and the other way round', () => {
    const json = new StoredJson('{}')
    const [price, value] = [encoded({ version: 7, json }), encoded({ version: 7, price: Number.NaN, json })]
    const otherKind = { ok: false, reason: 'other-kind' }
    expect([decodeValue(price, 'values'), decodeValue(value)]).toEqual([otherKind, otherKind])
    const deleted = encoded({ version: 7, price: Number.NaN })
    expect(decodeValue(deleted, 'values')).toEqual({ ok: true, price: undefined, version: 7 })
  })

  it.each([['{"a":'], [''], ['{} {}'], ['NaN']])('gives the reason corrupt for what is no JSON: %j', (text) => {
    const bytes = encoded({ version: 7, price: Number.NaN, json: new StoredJson(text) })
    expect(decodeValue(bytes, 'values')).toEqual({ ok: false, reason: 'corrupt' })
  })

  it('gives the reason corrupt for JSON that is no UTF-8, as different texts would be read as one', () => {
    const bytes = encoded({ version: 7, price: Number.NaN, json: new StoredJson('"é"') })
    bytes[bytes.length - 2] = 0x20
    expect(decodeValue(bytes, 'values')).toEqual({ ok: false, reason: 'corrupt' })
  })

  it('takes four bytes more for a value with a source', () => {
    expect(encoded({ version: 1 }, 1).length).toBe(30)
    expect(encoded({ version: 1, bid: 1, ask: 1, reserve0: 1, reserve1: 1, liquidity: 1 }, 1).length).toBe(
      MAX_VALUE_BYTES,
    )
  })

  it('takes 26 bytes for a price, 50 for four numbers, 66 for six', () => {
    expect(encoded({ version: 1 }).length).toBe(26)
    expect(encoded({ version: 1, bid: 1, ask: 1, liquidity: 1 }).length).toBe(50)
    expect(encoded({ version: 1, bid: 1, ask: 1, reserve0: 1, reserve1: 1, liquidity: 1 }).length).toBe(66)
  })

  it('writes no bytes beside those of the value', () => {
    const into = Buffer.alloc(200, 0xee)
    const length = encodeValue(columnsOf([{ pairId: 0, version: 1 }]), 0, into, 50)
    expect(into.subarray(0, 50).every((byte) => byte === 0xee)).toBe(true)
    expect(into.subarray(50 + length).every((byte) => byte === 0xee)).toBe(true)
  })

  it('gives a reason for bytes that are no value, and never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const decoded = decodeValue(Buffer.from(bytes))
        expect(decoded.ok || ['short', 'corrupt', 'newer-schema', 'other-kind'].includes(decoded.reason)).toBe(true)
      }),
    )
  })

  it('gives the reason short for every prefix of a value', () => {
    for (const whole of [encoded({ version: 7, bid: 2 }), encoded({ version: 7, bid: 2 }, 9)])
      for (let length = 0; length < whole.length; length++)
        expect(decodeValue(whole.subarray(0, length))).toEqual({ ok: false, reason: 'short' })
  })

  it('gives the reason corrupt for trailing bytes, unknown presence bits, impossible versions and impossible numbers', () => {
    const whole = encoded({ version: 7 })
    const changed = (change: (bytes: Buffer) => void) => {
      const bytes = Buffer.from(whole)
      change(bytes)
      return decodeValue(bytes)
    }
    const corrupt = { ok: false, reason: 'corrupt' }
    expect(decodeValue(Buffer.concat([whole, Buffer.of(0)]))).toEqual(corrupt)
    expect(changed((bytes) => bytes.writeUInt8(0x80, HEAD_BYTES - 1))).toEqual(corrupt)
    expect(changed((bytes) => bytes.writeUInt8(0, 0))).toEqual(corrupt)
    expect(changed((bytes) => bytes.writeDoubleLE(-1, 1))).toEqual(corrupt)
    expect(changed((bytes) => bytes.writeDoubleLE(2 ** 60, 1))).toEqual(corrupt)
    expect(changed((bytes) => bytes.writeDoubleLE(Number.NaN, 1))).toEqual(corrupt)
    expect(changed((bytes) => bytes.writeDoubleLE(Number.POSITIVE_INFINITY, 9))).toEqual(corrupt)
    expect(changed((bytes) => bytes.writeDoubleLE(Number.NaN, HEAD_BYTES))).toEqual(corrupt)
  })

  it('gives the reason newer-schema for a value of a newer schema', () => {
    expect(decodeValue(Buffer.of(3))).toEqual({ ok: false, reason: 'newer-schema' })
  })

  it('has a presence bit for each of the numbers', () => {
    // The two highest stand for JSON and for a deletion.
    expect(NUMBER_COUNT).toBeLessThanOrEqual(6)
  })
})
