import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import protobuf from 'protobufjs'
import { truncateColumns, updateColumns } from '../../../schemas/update-columns.ts'
import { PairTable } from '../../../src/cache/names/pair-table.ts'
import { Formats } from '../../../src/formats/formats.ts'
import { format } from '../../../src/formats/function-format.ts'
import { WINDOW_UPDATES } from '../../../src/warming/look-ahead.ts'
import type { Ratio } from '../../harness/bench.ts'
import { contest } from '../../harness/contest.ts'
import type { Stage } from '../../stages/stage.ts'
import { PAIRS, updateAt } from '../../traffic/price-feed.ts'

const SCHEMA = fileURLToPath(new URL('../../anchors/protobufjs/quote.proto', import.meta.url))
const MAPPING = {
  type: 'protobuf',
  schema: SCHEMA,
  ...{ pair: 'symbol', chain: 'venue', price: 'price', bid: 'bid', ask: 'ask', liquidity: 'liquidity' },
  ...{ sequence: 'sequence', eventTimeMs: { path: 'at_us', unit: 'us' } },
}
const RECORDS = 20_000

interface StaticDecoder {
  readonly bench: { readonly Quote: { decode(bytes: Uint8Array): { readonly price: number } } }
}

/** How many Protobuf records of eight fields a second are decoded in memory: into the columns, and into protobufjs's objects. */
export function protobufDecoding(stage: Stage): Promise<readonly Ratio[]> {
  const records = encoded(RECORDS)
  const rounds = stage.amount(100, 10)
  const { Quote } = (createRequire(import.meta.url)('../../anchors/protobufjs/quote-decoder.cjs') as StaticDecoder)
    .bench
  const decode = decoder()
  return contest(stage, {
    unit: 'records/s',
    better: 'higher',
    anchor: 'the static decoder of protobufjs',
    measureAnchor: () =>
      ratePerSecond(rounds, records, (record) => {
        if (!(Quote.decode(record).price > 0)) throw new Error('a record has no price')
      }),
    ours: { 'Protobuf of 8 fields, decoding alone': () => ratePerSecond(rounds, records, decode) },
  })
}

function decoder(): (record: Buffer) => void {
  const table = new PairTable({ maxPairs: PAIRS })
  const columns = updateColumns()
  const found = new Formats([format('quotes', MAPPING)]).of('quotes')
  return (record) => {
    if (columns.count >= WINDOW_UPDATES) truncateColumns(columns, 0)
    if (found?.decodeFast?.(record, columns, table) !== true) throw new Error('a record was not read')
  }
}

function ratePerSecond(rounds: number, records: readonly Buffer[], decode: (record: Buffer) => void): number {
  const startMs = performance.now()
  for (let round = 0; round < rounds; round++) for (let i = 0; i < records.length; i++) decode(records[i] as Buffer)
  return (rounds * records.length * 1000) / (performance.now() - startMs)
}

/** Records in one piece of memory, as a fetch has them. */
function encoded(count: number): readonly Buffer[] {
  const type = protobuf.loadSync(SCHEMA).lookupType('bench.Quote')
  const nowMs = Date.now()
  const values = Array.from({ length: count }, (_, index) => {
    const { pair: symbol, chain: venue, price, sequence, eventTimeMs } = updateAt(index, nowMs + index)
    const sides = { bid: price - 0.05, ask: price + 0.05, liquidity: 1_000_000 + index }
    return type.encode({ symbol, venue, price, ...sides, sequence, atUs: eventTimeMs * 1000 }).finish()
  })
  const memory = Buffer.concat(values)
  let end = 0
  return values.map(({ length }) => {
    end += length
    return memory.subarray(end - length, end)
  })
}
