import { describe, expect, it } from '@jest/globals'
import { NUMBER_COUNT } from '../../../schemas/price-update.ts'
import { appendUpdates, type UpdateColumns, updateColumns } from '../../../schemas/update-columns.ts'
import { PairTable } from '../../../src/cache/names/pair-table.ts'
import { Formats, formatRules } from '../../../src/formats/formats.ts'
import { mulberry32 } from '../../harness/mulberry32.ts'
import { AT_MS } from '../stage.ts'
import { encoder, FILE, field, varint } from './stage.ts'

const QUOTE = `syntax = "proto3";
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
message Quote {
  string symbol = 1;
  Venue venue = 2;
  google.protobuf.Timestamp at = 3;
  optional double price = 4;
  google.protobuf.DoubleValue bid = 5;
  string ask = 6;
  sint64 reserve0 = 7;
  fixed64 reserve1 = 8;
  float liquidity = 9;
  uint32 sequence = 10;
  Kind kind = 11;
  string type = 12;
  oneof side { int64 size = 13; Venue other = 14; }
  repeated Venue rest = 15;
  map<string, string> labels = 300;
  int64 at_ns = 17;
  int32 narrow = 18;
}
message Venue { string name = 1; int64 fee = 2; string note = 3; Venue parent = 4; }
enum Kind { QUOTE = 0; HEARTBEAT = 1; }
`
const MAPPING = {
  ...{ type: 'protobuf', schema: FILE, message: 'Quote', chain: 'venue.name', pair: 'symbol', price: 'price' },
  ...{ bid: 'bid', ask: 'ask', reserve0: { path: 'reserve0', scale: 6 }, reserve1: 'reserve1', liquidity: 'liquidity' },
  ...{ sequence: 'sequence', eventTimeMs: 'at' },
  skip: [
    { path: 'kind', equals: 'HEARTBEAT' },
    { path: 'type', equals: 'pong' },
    { path: 'other', exists: true },
  ],
}
const encode = encoder(QUOTE, 'Quote')
const GOOD = {
  ...{
    symbol: 'ETH-USD',
    venue: { name: 'x', fee: 7, note: 'n' },
    at: { seconds: AT_MS / 1000 - 0.123, nanos: 123_456_789 },
  },
  ...{ price: 3120.5, bid: { value: 3120.25 }, ask: '3120.75', reserve0: 1_500_000, reserve1: 12, liquidity: 0.5 },
  ...{ sequence: 9, kind: 0, type: 'quote', rest: [{ name: 'a' }], labels: { a: 'b' }, narrow: 3 },
}

/** How a format reads values: the rows, and whether the fast way did it. */
function reader(mapping: object) {
  const rules = formatRules({ x: { ...MAPPING, ...mapping } }, [], (path) => (path === FILE ? QUOTE : undefined))
  const found = new Formats(rules).of('x')
  if (found === undefined) throw new Error('the mapping has a fault')
  const table = new PairTable({ maxPairs: 10_000 })
  const slowly = (value: Buffer): readonly unknown[] | undefined => {
    const columns = updateColumns()
    const head = { topic: 'x', partition: 0, offset: 0n, timestampMs: 0, key: undefined }
    const said = found.decode({ ...head, value, headers: [] })
    if (!said.ok || said.skipped > 0 || said.rounded > 0) return undefined
    appendUpdates(said.updates, columns, table)
    return rowsOf(columns)
  }
  const fast = (value: Buffer): readonly unknown[] | undefined => {
    const columns = updateColumns()
    return found.decodeFast?.(value, columns, table) === true ? rowsOf(columns) : undefined
  }
  return { slowly, fast }
}

function rowsOf({ count, pairIds, eventTimesMs, sequences, numbers, groups }: UpdateColumns): readonly unknown[] {
  return Array.from({ length: count }, (_, row) => [
    ...[pairIds[row], eventTimesMs[row], sequences[row], groups[row]],
    ...numbers.subarray(row * NUMBER_COUNT, (row + 1) * NUMBER_COUNT),
  ])
}

describe('the fast reading of Protobuf', () => {
  const { fast, slowly } = reader({})

  it('reads a usual record into a row, as the exact reading does', () => {
    const bytes = encode(GOOD)
    expect(fast(bytes)).toEqual([[0, AT_MS, 9, undefined, 3120.5, 3120.25, 3120.75, 1.5, 12, 0.5]])
    expect(slowly(bytes)).toEqual(fast(bytes))
  })

  it('takes a number that is not written as the exact reading does', () => {
    const { reserve0, sequence, ask, ...rest } = GOOD
    expect([reserve0, sequence, ask]).toHaveLength(3)
    for (const zero of ['price', 'absent']) {
      const read = reader({ zero })
      const bytes = encode(rest)
      expect(read.fast(bytes)).toHaveLength(1)
      expect(read.slowly(bytes)).toEqual(read.fast(bytes))
    }
  })

  it.each<readonly [what: string, value: Buffer]>([
    ['a condition of an enum', encode({ ...GOOD, kind: 1 })],
    ['a condition of a text', encode({ ...GOOD, type: 'pong' })],
    ['a condition of a message that is there', encode({ ...GOOD, other: {} })],
    ['a message in two parts', Buffer.concat([encode(GOOD), field(2, 2, 2, 16, 1)])],
    ['a time in two parts', Buffer.concat([encode(GOOD), field(3, 2, 2, 16, 1)])],
    ['a name that is not ASCII', encode({ ...GOOD, symbol: 'é' })],
    ['a group', Buffer.concat([encode(GOOD), field(99, 3), field(99, 4)])],
    ['no name', encode({ ...GOOD, symbol: '' })],
    ['no price', encode({ ...GOOD, price: undefined })],
    ['a number below 0', encode({ ...GOOD, reserve0: -1 })],
    ['a narrow number in 64 bits', Buffer.concat([encode(GOOD), field(10, 0, ...varint(2n ** 40n))])],
    ['another layout', Buffer.concat([encode(GOOD), field(4, 0, 1)])],
    ['a record that is cut off', encode(GOOD).subarray(0, -1)],
  ])('gives up without a verdict at %s', (_, value) => {
    expect(fast(value)).toBeUndefined()
  })

  it('leaves a oneof to the exact reading once another field of it is written', () => {
    const sized = reader({ bid: 'size', skip: [] })
    const bytes = encode({ ...GOOD, size: 5 })
    expect(sized.fast(bytes)).toMatchObject([{ 5: 5 }])
    expect(sized.fast(Buffer.concat([bytes, field(14, 2, 0)]))).toBeUndefined()
  })

  it('takes a group that is not written, or is empty, for none, as the exact reading does', () => {
    const read = reader({ group: 'venue.note' })
    for (const venue of [{ name: 'x' }, { name: 'x', note: '' }, { name: 'x', note: 'majors' }]) {
      const bytes = encode({ ...GOOD, venue })
      expect(read.slowly(bytes)).toMatchObject([expect.arrayContaining([venue.note || undefined])])
      expect(read.fast(bytes)).toEqual(read.slowly(bytes))
    }
  })

  it('leaves extra fields to the exact reading', () => {
    expect(reader({ extra: { note: 'venue.note' } }).fast(encode(GOOD))).toBeUndefined()
  })

  it('reads nanoseconds beyond 2^53 to the millisecond', () => {
    const timed = reader({ eventTimeMs: { path: 'at_ns', unit: 'ns' } })
    for (const rest of [0n, 1n, 999_999n, 123_456n]) {
      const bytes = Buffer.concat([encode(GOOD), field(17, 0, ...varint(BigInt(AT_MS) * 1_000_000n + rest))])
      expect(timed.fast(bytes)).toMatchObject([{ 1: AT_MS }])
      expect(timed.slowly(bytes)).toEqual(timed.fast(bytes))
    }
  })

  it('leaves a field of another layout that a condition asks for, also by a name that its enum does not have', () => {
    const asking = reader({ skip: { path: 'kind', equals: 'PING' } })
    expect(asking.fast(encode(GOOD))).toEqual(asking.slowly(encode(GOOD)))
    expect(asking.fast(encode(GOOD))).toHaveLength(1)
    expect(asking.fast(Buffer.concat([encode(GOOD), field(11, 1, 1, 2, 3, 4, 5, 6, 7, 8)]))).toBeUndefined()
  })

  it('says nothing that the exact reading would not say, whatever the bytes', () => {
    const random = mulberry32(7)
    const any = (...of: readonly unknown[]) => of[Math.floor(random() * of.length)]
    const readers = [
      reader({}),
      reader({ zero: 'absent', eventTimeMs: { path: 'at_ns', unit: 'ns' } }),
      reader({ bid: 'narrow' }),
    ]
    let rows = 0
    for (let run = 0; run < 30_000; run++) {
      const message = encode({
        ...GOOD,
        ...{
          symbol: any('A', 'BTC-USD', 'C"\\', 'é', 'ABCD', 'A\u0001BCD', 'ABCDE\u0000'),
          price: any(1, 0, 3120.5, 1e300),
          bid: any({}, { value: 3 }, undefined),
        },
        ...{
          ask: any('1.5', '2', '0.25', '1e3', '12345678901234567890', '007'),
          reserve0: any(0, 5, 2 ** 40, 2 ** 52),
        },
        ...{
          reserve1: any(0, 1, 2 ** 53 - 1),
          liquidity: any(0, 1.1, 2, Number.NaN),
          sequence: any(0, 5, 2 ** 32 - 1),
        },
        ...{
          kind: any(0, 0, 0, 1, 7),
          type: any('', 'quote', 'pong'),
          narrow: any(0, 1, -1),
          at_ns: any(0, AT_MS * 1_000_000, AT_MS * 1_000_000),
        },
        ...{
          venue: any(GOOD.venue, { name: 'x' }, { name: 'y' }, { fee: 1 }),
          at: any(GOOD.at, GOOD.at, { seconds: -1 }),
        },
      })
      const parts = random() < 0.3 ? [message, encode({ symbol: 'Z', venue: { fee: 3 }, price: 2 })] : [message]
      const bytes = Buffer.concat(parts)
      if (random() < 0.5) bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256)
      for (const read of readers) {
        const row = read.fast(bytes)
        if (row === undefined) continue
        rows++
        expect([run, read.slowly(bytes)]).toEqual([run, row])
      }
    }
    expect(rows).toBeGreaterThan(1_000)
  })
})
