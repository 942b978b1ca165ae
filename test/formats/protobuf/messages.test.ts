import { describe, expect, it } from '@jest/globals'
import { AT_MS } from '../stage.ts'
import { decoder, encoder, field, varint } from './stage.ts'

const AT = { seconds: 1_783_670_400, nanos: 123_999_999 }
const HEAD = `syntax = "proto3";
package prices;
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
`
const QUOTE = `${HEAD}
message Quote {
  string symbol = 1;
  Venue venue = 2;
  google.protobuf.Timestamp at = 3;
  google.protobuf.DoubleValue last = 4;
  oneof side { double bid = 5; double ask = 6; string halted = 7; }
  uint64 sequence = 8;
  Kind kind = 9;
  map<string, string> labels = 10;
  repeated int32 levels = 11;
  bytes payload = 12;
  optional float size = 13;
  repeated Venue venues = 14;
}
message Venue { string name = 1; Venue parent = 2; int64 fee = 3; }
enum Kind { QUOTE = 0; HEARTBEAT = 1; }
`
const MAPPING = {
  ...{ message: 'prices.Quote', chain: 'venue.name', pair: 'symbol', price: 'last', bid: 'bid', ask: 'ask' },
  ...{ sequence: 'sequence', eventTimeMs: 'at', skip: { path: 'kind', equals: 'HEARTBEAT' } },
}
const GOOD = { symbol: 'ETH-USD', venue: { name: 'x' }, at: AT, last: { value: 3120.5 } }
const UPDATE = { pair: 'ETH-USD', chain: 'x', price: 3120.5, sequence: 0, eventTimeMs: AT_MS }
const encode = encoder(QUOTE, 'prices.Quote')

/** Decodes a message whose price is one field of a type, from its bytes on the wire. */
function priceOf(type: string, bytes: readonly number[], { wire = 0, mapping = {} } = {}) {
  const proto = `syntax = "proto3"; message M { ${type} price = 1; }`
  const rest = { chain: { const: 'c' }, pair: { const: 'p' }, eventTimeMs: { timestamp: true } }
  const said = decoder(
    { ...rest, price: 'price', ...mapping },
    proto,
  )(bytes.length === 0 ? Buffer.alloc(0) : field(1, wire, ...bytes))
  return said.ok ? said.updates[0]?.price : said.reason
}

function little(write: (bytes: Buffer) => void, length: number): number[] {
  const bytes = Buffer.alloc(length)
  write(bytes)
  return [...bytes]
}

describe('a Protobuf message', () => {
  const decode = decoder(MAPPING, QUOTE)

  it('is read by the names of its fields, with times and wrapped numbers as what they stand for', () => {
    const rest = { labels: { a: 'b' }, levels: [1, 2, 3], payload: Buffer.from('x'), size: 1.5, venues: [{ fee: 3 }] }
    expect(decode(encode({ ...GOOD, ...rest, bid: 3120, sequence: 7 }))).toEqual({
      ...{ ok: true, deleted: [], skipped: 0, rounded: 0 },
      updates: [{ ...UPDATE, bid: 3120, sequence: 7 }],
    })
  })

  it('is skipped by the name of an enum value, and a number that the schema does not name is another value', () => {
    expect(decode(encode({ ...GOOD, kind: 1 }))).toMatchObject({ ok: true, updates: [], skipped: 1 })
    expect(decode(Buffer.concat([encode(GOOD), field(9, 0, 7)]))).toMatchObject({ updates: [UPDATE], skipped: 0 })
  })

  it('has the field of a oneof that was written last, whether the mapping names it or not', () => {
    const one = (number: number, value: number) => field(number, 1, ...little((bytes) => bytes.writeDoubleLE(value), 8))
    const halted = field(7, 2, 1, 0x78)
    const read = (...sides: readonly Buffer[]) => decode(Buffer.concat([encode(GOOD), ...sides]))
    expect(read(one(5, 1), one(6, 2))).toMatchObject({ updates: [{ ...UPDATE, ask: 2 }] })
    expect(read(one(6, 2), one(5, 1))).toEqual(expect.objectContaining({ updates: [{ ...UPDATE, bid: 1 }] }))
    expect(read(one(5, 1), halted)).toEqual(expect.objectContaining({ updates: [UPDATE] }))
  })

  it('merges a message that is written twice, and takes the last of a number that is', () => {
    const seconds = field(3, 2, 6, 8, ...varint(AT.seconds))
    const nanos = field(3, 2, 5, 16, ...varint(AT.nanos))
    expect(decode(Buffer.concat([encode({ ...GOOD, at: undefined }), seconds, nanos]))).toMatchObject({
      updates: [UPDATE],
    })
    const sequences = Buffer.concat([field(8, 0, 1), field(8, 0, 9)])
    expect(decode(Buffer.concat([encode(GOOD), sequences]))).toMatchObject({ updates: [{ ...UPDATE, sequence: 9 }] })
  })

  it('is read to the same end with unknown fields of every layout in it, and groups in groups', () => {
    const group = Buffer.concat([field(100, 3), field(101, 3), field(1, 0, 5), field(101, 4), field(100, 4)])
    const unknown = [
      field(99, 0, 1),
      field(99, 1, 1, 2, 3, 4, 5, 6, 7, 8),
      field(99, 2, 2, 1, 1),
      field(99, 5, 1, 2, 3, 4),
    ]
    expect(decode(Buffer.concat([group, ...unknown, encode(GOOD), group]))).toMatchObject({ updates: [UPDATE] })
  })

  it('may hold itself', () => {
    const inner = { venue: { parent: { parent: { name: 'inner' } } } }
    const deep = decoder({ ...MAPPING, chain: 'venue.parent.parent.name' }, QUOTE)
    expect(deep(encode({ ...GOOD, ...inner }))).toMatchObject({ updates: [{ ...UPDATE, chain: 'inner' }] })
  })

  it('without a message that it may have lacks the fields of that', () => {
    expect(decode(encode({ ...GOOD, venue: undefined }))).toMatchObject({ ok: false, reason: 'missing-chain' })
    expect(decode(encode({ ...GOOD, last: undefined }))).toMatchObject({ ok: false, reason: 'missing-price' })
    expect(decode(encode({ ...GOOD, last: {} }))).toMatchObject({ updates: [{ ...UPDATE, price: 0 }] })
  })

  it('has a place of a list by its number', () => {
    const second = decoder({ ...MAPPING, price: 'levels.1', bid: 'venues.1.fee' }, QUOTE)
    const venues = [{ fee: 3 }, { fee: 4 }]
    expect(second(encode({ ...GOOD, levels: [1, 2], venues }))).toMatchObject({ updates: [{ price: 2, bid: 4 }] })
    // Packed and not, and both at once.
    const levels = Buffer.concat([field(11, 0, 5), field(11, 2, 2, 6, 7)])
    expect(second(Buffer.concat([encode(GOOD), levels]))).toMatchObject({ updates: [{ price: 6 }] })
  })

  it('without a value delists the pair that its key names', () => {
    const keyed = decoder({ ...MAPPING, pair: { const: 'p' }, chain: { const: 'c' } }, QUOTE)
    expect(keyed(undefined)).toMatchObject({ ok: true, deleted: [{ chain: 'c', pair: 'p' }] })
  })

  it('may hold JSON in a text, with outer fields around it', () => {
    const proto = `${HEAD} message Frame { string venue = 1; string body = 2; google.protobuf.Timestamp at = 3; }`
    const mapping = {
      ...{ message: 'prices.Frame', text: 'body', chain: { outer: 'venue' }, pair: 's', price: 'p' },
      ...{ eventTimeMs: { outer: 'at' }, skip: { path: 'pong', exists: true } },
    }
    const framed = encoder(proto, 'prices.Frame')
    const said = decoder(mapping, proto)
    expect(said(framed({ venue: 'x', at: AT, body: '{"s":"A","p":"1.5"}' }))).toMatchObject({
      updates: [{ pair: 'A', chain: 'x', price: 1.5, eventTimeMs: AT_MS }],
    })
    expect(said(framed({ venue: 'x', at: AT, body: '{"pong":1}' }))).toMatchObject({ ok: true, skipped: 1 })
  })
})

describe('a list of updates in a Protobuf message', () => {
  const TICKS = `${HEAD} message Ticks { google.protobuf.Timestamp at = 1; repeated Tick ticks = 2; } message Tick { string sym = 1; double last = 2; }`
  const mapping = {
    ...{ message: 'prices.Ticks', updates: 'ticks', chain: { const: 'v' }, pair: 'sym', price: 'last' },
    ...{ eventTimeMs: { outer: 'at' } },
  }
  const decode = decoder(mapping, TICKS)
  const ticks = encoder(TICKS, 'prices.Ticks')

  it('of 100,000 is read', () => {
    const list = Array.from({ length: 100_000 }, (_, at) => ({ sym: `P${at}`, last: at }))
    expect(decode(ticks({ at: AT, ticks: list }))).toMatchObject({ ok: true, updates: { length: 100_000 } })
  })

  it('that is empty is skipped', () => {
    expect(decode(ticks({ at: AT }))).toMatchObject({ ok: true, updates: [], skipped: 1 })
  })

  it('may be what the record is at a path', () => {
    const { updates, ...rest } = mapping
    expect(
      decoder({ ...rest, record: updates }, TICKS)(ticks({ at: AT, ticks: [{ sym: 'A', last: 1 }] })),
    ).toMatchObject({
      updates: [{ pair: 'A', price: 1, eventTimeMs: AT_MS }],
    })
  })
})

describe('a number in Protobuf', () => {
  it.each<readonly [type: string, wire: number, bytes: readonly number[], price: number | string]>([
    ['double', 1, little((bytes) => bytes.writeDoubleLE(64012.1), 8), 64012.1],
    ['double', 1, little((bytes) => bytes.writeDoubleLE(Number.NaN), 8), 'not-finite'],
    ['double', 1, little((bytes) => bytes.writeDoubleLE(Number.POSITIVE_INFINITY), 8), 'not-finite'],
    ['float', 5, little((bytes) => bytes.writeFloatLE(64012.1), 4), 64012.1015625],
    ['int32', 0, varint(5), 5],
    ['int32', 0, varint(-5), 'negative'],
    ['uint32', 0, varint(4_294_967_295), 4_294_967_295],
    ['sint32', 0, varint(10), 5],
    ['sint32', 0, varint(9), 'negative'],
    ['int64', 0, varint(2n ** 53n - 1n), 2 ** 53 - 1],
    ['int64', 0, varint(-1), 'negative'],
    ['uint64', 0, varint(2n ** 60n), 2 ** 60],
    ['sint64', 0, varint(2n ** 33n), 2 ** 32],
    ['fixed32', 5, [255, 255, 255, 255], 4_294_967_295],
    ['sfixed32', 5, [255, 255, 255, 255], 'negative'],
    ['fixed64', 1, little((bytes) => bytes.writeBigUInt64LE(2n ** 40n), 8), 2 ** 40],
    ['sfixed64', 1, little((bytes) => bytes.writeBigInt64LE(-3n), 8), 'negative'],
    ['string', 2, [6, ...Buffer.from('3120.5')], 3120.5],
  ])('of the type %s is what was written', (type, wire, bytes, price) => {
    expect(priceOf(type, bytes, { wire })).toBe(price)
  })

  it('below 0 is a price if the mapping says so', () => {
    expect(priceOf('sint32', varint(9), { mapping: { signed: true } })).toBe(-5)
    expect(priceOf('int64', varint(-(2n ** 40n)), { mapping: { signed: true } })).toBe(-(2 ** 40))
  })

  it('in bytes is a decimal if the mapping says so', () => {
    const decimal = { price: { path: 'price', decimal: { base64: true, scale: 6 } } }
    expect(priceOf('bytes', [3, 0x10, 0x9b, 0x99], { wire: 2, mapping: decimal })).toBe(1.088409)
  })

  it('in bytes is none if the mapping does not say so, even if they are digits in base64', () => {
    expect(() => priceOf('bytes', [3, 0xd7, 0x6d, 0xf8], { wire: 2 })).toThrow('decimal')
  })

  it('beyond 2^53 is counted as rounded as a price, refused as a sequence, and divided exactly as a time', () => {
    const proto = 'syntax = "proto3"; message M { uint64 price = 1; uint64 sequence = 2; int64 at = 3; }'
    const rest = { chain: { const: 'c' }, pair: { const: 'p' }, price: 'price' }
    const nanos = BigInt(AT_MS) * 1_000_000n + 999_999n
    const bytes = Buffer.concat([field(1, 0, ...varint(2n ** 53n + 1n)), field(3, 0, ...varint(nanos))])
    const timed = decoder({ ...rest, eventTimeMs: { path: 'at', unit: 'ns' } }, proto)
    expect(timed(bytes)).toMatchObject({ ok: true, rounded: 1, updates: [{ eventTimeMs: AT_MS }] })
    const ordered = decoder({ ...rest, sequence: 'sequence', eventTimeMs: { timestamp: true } }, proto)
    expect(ordered(field(2, 0, ...varint(2n ** 53n + 1n)))).toMatchObject({ reason: 'not-exact' })
  })

  it('that is not written is 0 in proto3, and absent if the mapping says so, or if the schema can', () => {
    expect(priceOf('double', [])).toBe(0)
    expect(priceOf('double', [], { mapping: { zero: 'absent' } })).toBe('missing-price')
    expect(priceOf('optional double', [])).toBe('missing-price')
    expect(
      priceOf(
        'optional double',
        little(() => undefined, 8),
        { wire: 1 },
      ),
    ).toBe(0)
  })

  it('that is not written is the default of its schema in proto2, if that has one', () => {
    const read = (fields: string) =>
      decoder(
        { ...{ chain: { const: 'c' }, pair: 'p', price: 'price' }, eventTimeMs: { timestamp: true } },
        `syntax = "proto2"; message M { ${fields} }`,
      )(Buffer.alloc(0))
    expect(read('optional double price = 1 [default = 5.5]; optional string p = 2 [default = "P"];')).toMatchObject({
      updates: [{ pair: 'P', price: 5.5 }],
    })
    expect(read('required double price = 1; optional string p = 2 [default = "P"];')).toMatchObject({
      reason: 'missing-price',
    })
    expect(read('optional double price = 1; required string p = 2;')).toMatchObject({ reason: 'missing-pair' })
  })
})

describe('a group of proto2', () => {
  const proto = `syntax = "proto2"; message M {
    repeated group Tick = 1 { optional string sym = 2; optional double last = 3; optional group Side = 4 { optional double bid = 1; } }
  }`
  const mapping = {
    updates: 'tick',
    chain: { const: 'c' },
    pair: 'sym',
    price: 'last',
    eventTimeMs: { timestamp: true },
  }
  const tick = (sym: number, ...rest: readonly Buffer[]) =>
    Buffer.concat([field(1, 3), field(2, 2, 1, sym), field(3, 1, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f), ...rest, field(1, 4)])

  it('is read as a message', () => {
    const side = Buffer.concat([field(4, 3), field(1, 1, 0, 0, 0, 0, 0, 0, 0, 0x40), field(4, 4)])
    const decode = decoder({ ...mapping, bid: 'side.bid' }, proto)
    expect(decode(Buffer.concat([tick(65), tick(66, side)]))).toMatchObject({
      updates: [
        { pair: 'A', price: 1 },
        { pair: 'B', price: 1, bid: 2 },
      ],
    })
  })
})

describe('a decimal of its own message', () => {
  it.each([
    [
      'confluent.type',
      'message Decimal { bytes value = 1; uint32 precision = 2; int32 scale = 3; }',
      [10, 3, 0x10, 0x9b, 0x99, 24, 6],
    ],
    ['google.type', 'message Decimal { string value = 1; }', [10, 8, ...Buffer.from('1.088409')]],
  ])('of %s is read as the number that it is', (name, text, bytes) => {
    const files = { 'decimal.proto': `syntax = "proto3"; package ${name}; ${text}` }
    const proto = `syntax = "proto3"; import "decimal.proto"; message M { ${name}.Decimal price = 1; }`
    const rest = { chain: { const: 'c' }, pair: { const: 'p' }, price: 'price', eventTimeMs: { timestamp: true } }
    expect(decoder(rest, proto, files)(field(1, 2, bytes.length, ...bytes))).toMatchObject({
      updates: [{ price: 1.088409 }],
    })
  })
})
