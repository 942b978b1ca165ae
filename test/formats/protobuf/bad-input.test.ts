import { describe, expect, it } from '@jest/globals'
import { mulberry32 } from '../../harness/mulberry32.ts'
import { AT_MS } from '../stage.ts'
import { decoder, encoder, field, varint } from './stage.ts'

const QUOTE = `syntax = "proto3";
message Quote { string pair = 1; double price = 2; int64 at = 3; Venue venue = 4; repeated int32 levels = 5; }
message Venue { string name = 1; double fee = 2; }
`
const decode = decoder(
  {
    message: 'Quote',
    chain: 'venue.name',
    pair: 'pair',
    price: 'price',
    bid: 'levels.0',
    ask: 'venue.fee',
    eventTimeMs: 'at',
  },
  QUOTE,
)
const encode = encoder(QUOTE, 'Quote')
const GOOD = { pair: 'P', price: 5, at: AT_MS, venue: { name: 'c', fee: 1 }, levels: [4] }
const UPDATE = { pair: 'P', chain: 'c', price: 5, bid: 4, ask: 1, eventTimeMs: AT_MS }
const goodAnd = (...fields: readonly Buffer[]) => Buffer.concat([encode(GOOD), ...fields])
const EIGHT = [0, 0, 0, 0, 0, 0, 0xf0, 0x3f] as const
const groups = (count: number) => [
  ...Array.from({ length: count }, () => field(9, 3)),
  ...Array.from({ length: count }, () => field(9, 4)),
]

describe('a record that is no Protobuf of its schema is refused', () => {
  it.each<readonly [what: string, value: Buffer, reason: string, detail: string]>([
    ['a truncated integer', goodAnd(field(3, 0, 0x80)), 'not-protobuf', 'ends within a field'],
    ['a truncated tag', goodAnd(Buffer.from([0x80])), 'not-protobuf', 'ends within a field'],
    ['an integer of 11 bytes', goodAnd(field(3, 0, ...Array(10).fill(0x80), 1)), 'not-protobuf', 'more than 10 bytes'],
    [
      'an unknown one of 11 bytes',
      goodAnd(field(99, 0, ...Array(10).fill(0x80), 1)),
      'not-protobuf',
      'more than 10 bytes',
    ],
    ['a length beyond the record', goodAnd(field(1, 2, 100, 65)), 'not-protobuf', 'a length of 100 beyond the end'],
    ['a length of 2^63', goodAnd(field(1, 2, ...varint(2n ** 63n))), 'not-protobuf', 'beyond the end'],
    [
      'an unknown field beyond the record',
      goodAnd(field(99, 2, 100)),
      'not-protobuf',
      'a length of 100 beyond the end',
    ],
    [
      'a field of a message beyond that',
      goodAnd(field(4, 2, 2, 0x0a, 5)),
      'not-protobuf',
      'a length of 5 beyond the end',
    ],
    ['a packed list beyond its end', goodAnd(field(5, 2, 1, 0x80)), 'not-protobuf', 'ends within a field'],
    ['half a double', goodAnd(field(2, 1, 1, 2)), 'not-protobuf', 'ends within a field'],
    ['a field of the number 0', goodAnd(Buffer.from([0, 0])), 'not-protobuf', 'a number that none has'],
    [
      'a field of the number 2^29',
      goodAnd(Buffer.from([...varint(2 ** 32), 0])),
      'not-protobuf',
      'a number that none has',
    ],
    ['the layout 6', goodAnd(field(99, 6)), 'not-protobuf', 'the unknown layout 6'],
    ['the end of no group', goodAnd(field(99, 4)), 'not-protobuf', 'the end of a group'],
    ['the end of another group', goodAnd(field(98, 3), field(99, 4)), 'not-protobuf', 'the end of another group'],
    ['a group without end', goodAnd(field(98, 3)), 'not-protobuf', 'ends within a field'],
    ['102 groups in each other', goodAnd(...groups(102)), 'not-protobuf', 'more than 100 groups'],
    ['a name that is no UTF-8', goodAnd(field(1, 2, 2, 0xc3, 0x28)), 'not-protobuf', 'a text that is no UTF-8'],
    ['a message as the price', goodAnd(field(2, 2, 2, 8, 1)), 'wrong-type', 'Quote.price: expected double, got a text'],
    ['an integer as the price', goodAnd(field(2, 0, 1)), 'wrong-type', 'Quote.price: expected double, got an integer'],
    ['a float as the price', goodAnd(field(2, 5, 1, 2, 3, 4)), 'wrong-type', 'expected double, got four bytes'],
    ['a number as the pair', goodAnd(field(1, 0, 1)), 'wrong-type', 'Quote.pair: expected string, got an integer'],
    ['a number as a message', goodAnd(field(4, 0, 1)), 'wrong-type', 'Quote.venue: expected Venue, got an integer'],
    ['a group as a message', goodAnd(field(4, 3), field(4, 4)), 'wrong-type', 'expected Venue, got a group'],
    ['a double in a list of integers', goodAnd(field(5, 1, ...EIGHT)), 'wrong-type', 'Quote.levels: expected int32'],
    [
      'an id of a registry',
      Buffer.from([0, 0, 0, 0, 1, 0, ...encode(GOOD)]),
      'not-protobuf',
      'need the schema registry',
    ],
    ['JSON', Buffer.from('{"pair":"P","price":5}'), 'not-protobuf', 'byte'],
    ['no pair', encode({ ...GOOD, pair: '' }), 'missing-pair', 'pair'],
    ['no bytes', Buffer.alloc(0), 'missing-pair', 'pair'],
    ['a time in seconds', encode({ ...GOOD, at: 1_783_670_400 }), 'event-time-seconds', 'seconds'],
    ['a price below 0', encode({ ...GOOD, price: -1 }), 'negative', 'price'],
  ])('with the reason: %s', (_, value, reason, detail) => {
    expect(decode(value)).toEqual({ ok: false, reason, detail: expect.stringContaining(detail) })
    expect(decode(encode(GOOD))).toMatchObject({ ok: true, updates: [UPDATE] })
  })

  it('wherever it is cut off within a field, and read where it is cut between two', () => {
    const bytes = encode(GOOD)
    const reasons = Array.from({ length: bytes.length }, (_, length) => {
      const said = decode(bytes.subarray(0, length))
      return said.ok ? 'read' : said.reason
    })
    expect(new Set(reasons)).toEqual(new Set(['missing-pair', 'missing-chain', 'not-protobuf', 'read']))
    expect(reasons.filter((reason) => reason === 'read')).toHaveLength(1)
  })

  it('and no bytes whatsoever make the decoder throw', () => {
    const random = mulberry32(42)
    for (let run = 0; run < 20_000; run++) {
      const bytes = encode(GOOD)
      for (let change = 0; change < 3; change++) bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256)
      decode(bytes.subarray(0, Math.ceil(random() * bytes.length)))
    }
    expect(decode(encode(GOOD))).toMatchObject({ ok: true })
  })
})

describe('a field with the name of something that objects inherit', () => {
  const proto = `syntax = "proto3";
    message Venue { string name = 1; }
    message Quote { string pair = 1; double price = 2; int64 at = 3; Venue constructor = 4; optional string valueOf = 5; }`
  const mapping = {
    message: 'Quote',
    pair: 'constructor.name',
    chain: 'pair',
    price: 'price',
    eventTimeMs: 'at',
    group: 'valueOf',
  }
  const read = decoder(mapping, proto)
  const bytes = Buffer.concat([field(1, 2, 1, 0x63), field(2, 1, ...EIGHT), field(3, 0, ...varint(AT_MS))])

  it('is read, and leaves nothing behind in what they inherit', () => {
    const before = Object.keys(Object.getOwnPropertyDescriptors(Object))
    const said = read(Buffer.concat([bytes, field(4, 2, 3, 0x0a, 1, 0x58), field(5, 2, 1, 0x67)]))
    expect(said).toMatchObject({ ok: true, updates: [{ pair: 'X', group: 'g' }] })
    expect(Object.keys(Object.getOwnPropertyDescriptors(Object))).toEqual(before)
  })

  it('is absent if it is not written', () => {
    expect(read(bytes)).toMatchObject({ ok: false, reason: 'missing-pair' })
  })
})
