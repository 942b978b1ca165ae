import avro from 'avsc'
import { truncateColumns, updateColumns } from '../../../schemas/update-columns.ts'
import { PairTable } from '../../../src/cache/names/pair-table.ts'
import type { Format } from '../../../src/formats/format.ts'
import { Formats, formatRules } from '../../../src/formats/formats.ts'
import type { SchemaSource } from '../../../src/formats/registry/schema-source.ts'
import type { Ratio } from '../../harness/bench.ts'
import { contest } from '../../harness/contest.ts'
import type { Stage } from '../../stages/stage.ts'
import { PAIRS, updateAt } from '../../traffic/price-feed.ts'

const DECIMAL = { type: 'bytes', logicalType: 'decimal', precision: 18, scale: 6 }
const SCHEMA = {
  type: 'record',
  name: 'Quote',
  fields: [
    { name: 'symbol', type: 'string' },
    { name: 'venue', type: 'string' },
    { name: 'price', type: DECIMAL },
    { name: 'bid', type: ['null', DECIMAL] },
    { name: 'ask', type: ['null', DECIMAL] },
    { name: 'size', type: 'double' },
    { name: 'number', type: 'long' },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-micros' } },
  ],
}
const MAPPING = {
  ...{ type: 'avro', schema: 'registry', pair: 'symbol', chain: 'venue' },
  ...{ price: 'price', bid: 'bid', ask: 'ask', sequence: 'number', eventTimeMs: 'at' },
}
const ID_BYTES = 5
/** A batch of the window's size is decoded, then its rows are taken. */
const ROWS = 128

/** Records a second from bytes in memory to columns, against avsc's decoder from the same bytes to its objects. */
export function avroFigures(stage: Stage): Promise<readonly Ratio[]> {
  const type = avro.Type.forSchema(SCHEMA as avro.Schema)
  const values = quotes(type, stage.amount(200_000, 20_000))
  const format = formatOf(stage)
  const table = new PairTable({ maxPairs: PAIRS })
  const perSecond = (read: () => number) => () => {
    const startMs = performance.now()
    const records = read()
    if (records !== values.length) throw new Error(`${values.length - records} records were not read`)
    return (values.length * 1_000) / (performance.now() - startMs)
  }
  return contest(stage, {
    unit: 'records/s',
    better: 'higher',
    rounds: stage.amount(stage.runs, 2),
    anchor: "avsc's decoder",
    measureAnchor: perSecond(() => decodedByAvsc(type, values)),
    ours: { 'Avro of 8 fields, decoding alone': perSecond(() => decoded(format, table, values)) },
  })
}

function quotes(type: avro.Type, records: number): readonly Buffer[] {
  const nowUs = Date.now() * 1_000
  const frames = Array.from({ length: records }, (_, index) => {
    const { pair, chain, price, sequence } = updateAt(index, 0)
    const side = (spread: number) => decimalOf(price + spread)
    const quote = { symbol: pair, venue: chain, price: side(0), bid: side(-0.05), ask: side(0.05), size: 1.5 }
    return Buffer.concat([idOf(1), type.toBuffer({ ...quote, number: sequence, at: nowUs + index })])
  })
  // They lie in one buffer, as the records of a fetch do.
  const all = Buffer.concat(frames)
  let start = 0
  return frames.map(({ length }) => {
    start += length
    return all.subarray(start - length, start)
  })
}

function idOf(id: number): Buffer {
  const prefix = Buffer.alloc(ID_BYTES)
  prefix.writeUInt32BE(id, 1)
  return prefix
}

function decimalOf(price: number): Buffer {
  const hex = BigInt(Math.round(price * 1e6)).toString(16)
  const even = hex.length % 2 === 0 ? hex : `0${hex}`
  return Buffer.from(/^[89a-f]/.test(even) ? `00${even}` : even, 'hex')
}

function formatOf(stage: Stage): Format {
  const text = JSON.stringify(SCHEMA)
  const schemas: SchemaSource = {
    lookup: (key) => ({ status: 'found', schema: { key, type: 'AVRO', text, references: [] } }),
    trouble: undefined,
    close: () => undefined,
  }
  const topic = stage.unique('quotes')
  const format = new Formats(formatRules({ [topic]: MAPPING }, []), schemas).of(topic)
  if (format === undefined) throw new Error('the mapping has a fault')
  return format
}

function decodedByAvsc(type: avro.Type, values: readonly Buffer[]): number {
  let read = 0
  for (const value of values) if (type.fromBuffer(value.subarray(ID_BYTES)).number >= 0) read++
  return read
}

/** The first is read exactly, as in a node. */
function decoded(format: Format, table: PairTable, values: readonly Buffer[]): number {
  const columns = updateColumns()
  let read = 0
  for (const value of values) {
    if (format.decodeFast?.(value, columns, table)) read++
    else if (format.decode(recordOf(value)).ok) read++
    if (columns.count >= ROWS) truncateColumns(columns, 0)
  }
  return read
}

function recordOf(value: Buffer): Parameters<Format['decode']>[0] {
  return { topic: 'quotes', partition: 0, offset: 0n, timestampMs: 0, key: undefined, value, headers: [] }
}
