import { describe, expect, it } from '@jest/globals'
import { AT_MS } from '../stage.ts'
import { decoder, encoder, field } from './stage.ts'

const QUOTE = `syntax = "proto3";
package prices;
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
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
}
message Venue { string name = 1; Venue parent = 2; int64 fee = 3; }
enum Kind { QUOTE = 0; HEARTBEAT = 1; }
`
const MAPPING = {
  message: 'prices.Quote',
  chain: 'venue.name',
  pair: 'symbol',
  price: 'last',
  bid: 'bid',
  sequence: 'sequence',
  eventTimeMs: 'at',
  skip: { path: 'kind', equals: 'HEARTBEAT' },
}
const at = { seconds: AT_MS / 1000, nanos: 123_999_999 }
const GOOD = {
  symbol: 'ETH-USD',
  venue: { name: 'x' },
  at: { seconds: 1_783_670_400, nanos: 123_999_999 },
  last: { value: 3120.5 },
}
const encode = encoder(QUOTE, 'prices.Quote')
void at

describe('a Protobuf message', () => {
  it('is read by the names of its fields, with times and wrapped numbers as what they stand for', () => {
    const decode = decoder(MAPPING, QUOTE)
    const rest = { labels: { a: 'b' }, levels: [1, 2, 3], payload: Buffer.from('x'), size: 1.5 }
    expect(decode(encode({ ...GOOD, ...rest, bid: 3120, sequence: 7 }))).toEqual({
      ok: true,
      updates: [{ pair: 'ETH-USD', chain: 'x', price: 3120.5, bid: 3120, sequence: 7, eventTimeMs: AT_MS }],
      deleted: [],
      skipped: 0,
      rounded: 0,
    })
  })
})
void field
