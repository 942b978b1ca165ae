import { execFileSync } from 'node:child_process'
import { join, resolve } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { decoder, FILE, field, problemsOf } from './stage.ts'

const QUOTE = `syntax = "proto3";
package prices;
import "google/protobuf/timestamp.proto";
message Quote {
  string pair = 1;
  double price = 2;
  google.protobuf.Timestamp at = 3;
  map<string, double> sizes = 4;
  repeated double bids = 5;
  Venue venue = 6;
}
message Venue { string name = 1; }
`
const MAPPING = { message: 'prices.Quote', chain: 'venue.name', pair: 'pair', price: 'price', eventTimeMs: 'at' }
const problems = (mapping: object, proto = QUOTE) =>
  problemsOf({ ...MAPPING, ...mapping }, { [FILE]: proto }).map(({ setting, received, allowed }) => [
    setting.replace('formats["prices.x"].', ''),
    received,
    allowed,
  ])

describe('the check of a mapping of Protobuf at start', () => {
  it('passes one whose paths lead to fields', () => {
    expect(problems({})).toEqual([])
  })

  it.each<readonly [mapping: object, setting: string, received: string, allowed: string]>([
    [{ schema: undefined }, 'schema', 'nothing', 'registry, or the path of a file'],
    [
      { schema: 'other.proto' },
      'schema',
      '"other.proto"',
      'registry, or the path of a file, from the working directory,',
    ],
    [{ message: 'prices.Quotes' }, 'message', '"prices.Quotes"', 'a message of the schema: prices.Quote, prices.Venue'],
    [{ message: undefined }, 'message', 'nothing', 'one of prices.Quote, prices.Venue'],
    [{ message: 7 }, 'message', '7', 'the name of a message'],
    [{ type: 'json', schema: undefined }, 'message', '"prices.Quote"', 'only Protobuf has messages'],
    [{ price: 'prise' }, 'price', '"prise"', 'a field of prices.Quote: did you mean price?'],
    [{ chain: 'venue.nam' }, 'chain', '"venue.nam"', 'a field of prices.Venue: did you mean name?'],
    [{ bid: 'price.x' }, 'bid', '"price.x"', 'price is no message'],
    [{ bid: 'sizes.A' }, 'bid', '"sizes.A"', 'maps are not read'],
    [{ eventTimeMs: { path: 'at', unit: 'us' } }, 'eventTimeMs', '"at"', 'a Timestamp has its own'],
    [{ updates: 'venue' }, 'updates', '"venue"', 'a repeated field'],
    [{ text: 'price', pair: { outer: 'pair' }, chain: { const: 'c' } }, 'text', '"price"', 'a string'],
    [{ skip: { path: 'kind', equals: 1 } }, 'skip', '"kind"', 'one of pair, price, at, sizes, bids, venue'],
    [{ skip: { path: 'price', absent: true } }, 'skip', '"price"', 'its schema cannot say that it is absent'],
    [{ price: { path: 'price', exponent: 'expo' } }, 'price', '"expo"', 'a field of prices.Quote'],
    [{ skip: { path: 'at.seconds', equals: 0 } }, 'eventTimeMs', '"at"', 'no other path into it'],
    [{ pair: 'constructor' }, 'pair', '"constructor"', 'a field of prices.Quote'],
  ])('tells that of %j', (mapping, setting, received, allowed) => {
    expect(problems(mapping)).toContainEqual([setting, received, expect.stringContaining(allowed)])
  })

  it('tells all faults at once', () => {
    expect(problems({ pair: 'a', price: 'b', bid: 'c' }).map(([setting]) => setting)).toEqual(['pair', 'price', 'bid'])
  })

  it.each([
    ['what is no schema', 'message {', "quote.proto: illegal type name '{' (line 1)"],
    ['a field twice', 'message M { string a = 1; string a = 2; }', 'duplicate'],
    ['a number twice', 'message M { string a = 1; string b = 1; }', 'duplicate id 1'],
    ['a name that is none', 'message M { string a-b = 1; }', 'illegal'],
    ['a file that ends within a message', 'message M { string a = 1;', 'illegal'],
  ])('tells that of a file with %s', (_, text, allowed) => {
    const [problem] = problems({}, `syntax = "proto3"; ${text}`)
    expect(problem).toEqual(['schema', '"quote.proto"', expect.stringContaining(allowed)])
  })

  it('names an import that nobody has, if a field needs it, and goes without it otherwise', () => {
    const proto = `syntax = "proto3"; import "gone.proto";
      message M { string pair = 1; gone.Side side = 2; double price = 3; }`
    const mapping = { message: 'M', chain: { const: 'c' }, eventTimeMs: { timestamp: true } }
    expect(problems(mapping, proto)).toEqual([])
    expect(problems({ ...mapping, bid: 'side.bid' }, proto)).toEqual([
      ['bid', '"side.bid"', expect.stringContaining('nothing is there to import as gone.proto')],
    ])
  })
})

describe('a schema in several files', () => {
  const files = {
    'feeds/quotes/quote.proto': `syntax = "proto3"; package feeds; import "feeds/shared/venue.proto"; import "side.proto";
      message Quote { shared.Venue venue = 1; Side bid = 2; }`,
    'feeds/shared/venue.proto':
      'syntax = "proto3"; package feeds.shared; import "feeds/quotes/side.proto"; message Venue { string name = 1; }',
    'feeds/quotes/side.proto': 'syntax = "proto3"; package feeds; message Side { double price = 1; }',
  }

  it('is found in the folder of the file and in those above it', () => {
    const mapping = {
      ...{ schema: 'feeds/quotes/quote.proto', message: 'feeds.Quote', chain: 'venue.name', pair: { const: 'p' } },
      ...{ price: 'bid.price', eventTimeMs: { timestamp: true } },
    }
    // Side is imported by two names, which are two files to the parser.
    const once = {
      ...files,
      'feeds/shared/venue.proto': files['feeds/shared/venue.proto'].replace(/import [^;]+; /, ''),
    }
    expect(problemsOf(mapping, once)).toEqual([])
  })
})

describe('names of a schema', () => {
  it('that objects have themselves are fields like others', () => {
    const proto =
      'syntax = "proto3"; message M { double constructor = 1; string toString = 2; string hasOwnProperty = 3; }'
    const mapping = {
      ...{ chain: 'hasOwnProperty', pair: 'toString', price: 'constructor', eventTimeMs: { timestamp: true } },
    }
    const bytes = Buffer.concat([field(1, 1, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f), field(2, 2, 1, 65), field(3, 2, 1, 66)])
    expect(decoder(mapping, proto)(bytes)).toMatchObject({ updates: [{ pair: 'A', chain: 'B', price: 1 }] })
  })

  it('cannot change what all objects have', () => {
    const proto =
      'syntax = "proto3"; message M { Inner __proto__ = 1; double price = 2; } message Inner { double polluted = 1; }'
    const rest = { pair: { const: 'p' }, chain: { const: 'c' }, eventTimeMs: { timestamp: true } }
    expect(problemsOf({ ...rest, message: 'M', price: '__proto__.polluted' }, { [FILE]: proto })).not.toEqual([])
  })

  it('become no code: records are read where code cannot be made of texts', () => {
    const root = resolve(import.meta.dirname, '../../..')
    const script = `
      const from = (path) => import(${JSON.stringify(`${root}/src/formats/`)} + path)
      const { readFileSync } = await import('node:fs')
      const { checkedMapping } = await from('mapping/check-mapping.ts')
      const { MappingReader } = await from('mapping/mapping-reader.ts')
      const { protobufReaders } = await from('protobuf/readers.ts')
      try { new Function('') } catch { console.log('no code') }
      const reader = new MappingReader({ problems: [], groups: [], readFile: (path) => readFileSync(path, 'utf8') })
      const mapping = { type: 'protobuf', schema: process.argv[1], chain: 'p', pair: 'p', price: 'l', eventTimeMs: 'l' }
      const value = Buffer.from([10, 1, 65, 17, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f])
      const readers = protobufReaders(checkedMapping(mapping, '', reader), '', reader)({ topic: 't', groups: {} })
      const { root } = readers().read(value, { start: 0 })
      console.log(root.p, root.l)`
    const options = ['--disallow-code-generation-from-strings', '--input-type=module', '-e', script]
    const schema = join(root, 'test/formats/protobuf/small.proto')
    expect(execFileSync(process.execPath, [...options, schema], { encoding: 'utf8' })).toBe('no code\nA 1\n')
  })
})
