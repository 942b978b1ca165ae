import avro from 'avsc'
import type { Decoded, Format } from '../../../src/formats/format.ts'
import { Formats, formatRules } from '../../../src/formats/formats.ts'
import type { MappingFault } from '../../../src/formats/mapping/mapping-fault.ts'
import type { Lookup, SchemaKey, SchemaSource } from '../../../src/formats/registry/schema-source.ts'
import type { KafkaRecord } from '../../../src/kafka-record.ts'
import { AT_MS } from '../stage.ts'

/** Schemas that are at hand. */
export function schemasOf(schemas: Readonly<Record<SchemaKey, object | string>>): SchemaSource {
  return {
    lookup: (key): Lookup => {
      const schema = schemas[key]
      if (schema === undefined) return { status: 'unknown', detail: 'the registry does not know it' }
      const text = typeof schema === 'string' ? schema : JSON.stringify(schema)
      return { status: 'found', schema: { key, type: 'AVRO', text, references: [] } }
    },
    trouble: undefined,
    close: () => undefined,
  }
}

/** The format of a topic whose records are written by schemas of a registry. */
export function avroFormat(mapping: object, schemas: SchemaSource): Format {
  const problems: MappingFault[] = []
  const raw = { 'prices.x': { type: 'avro', schema: 'registry', ...mapping } }
  const format = new Formats(formatRules(raw, problems), schemas).of('prices.x')
  if (format === undefined || problems.length > 0) throw new Error(JSON.stringify(problems))
  return format
}

const TYPES = new WeakMap<object, avro.Type>()

/** The id of a schema, and the value as a writer of that schema has it. */
export function framed(schema: object, value: unknown, id = 1): Buffer {
  const type = TYPES.get(schema) ?? avro.Type.forSchema(schema as avro.Schema)
  TYPES.set(schema, type)
  const prefix = Buffer.alloc(5)
  prefix.writeUInt32BE(id, 1)
  return Buffer.concat([prefix, type.toBuffer(value)])
}

export function recordOf(value: Buffer | undefined, rest: Partial<KafkaRecord> = {}): KafkaRecord {
  return {
    ...{ topic: 'prices.x', partition: 0, offset: 0n, timestampMs: AT_MS },
    ...{ key: undefined, headers: [], value, ...rest },
  }
}

/** An integer as a decimal has it: big-endian in two's complement, as short as may be, or of so many bytes. */
export function decimalBytes(integer: bigint, bytes?: number): Buffer {
  const size = bytes ?? Math.floor((integer < 0n ? -integer : integer).toString(2).length / 8) + 1
  return Buffer.from(
    BigInt.asUintN(size * 8, integer)
      .toString(16)
      .padStart(size * 2, '0'),
    'hex',
  )
}

interface Field {
  readonly name: string
  readonly type: unknown
  readonly aliases?: readonly string[]
}

export const FIELDS = { chain: { const: 'c' }, pair: 'pair', price: 'price', eventTimeMs: 'at' }
export const TIME = { type: 'long', logicalType: 'timestamp-millis' }
export const record = (name: string, ...fields: readonly Field[]) => ({ type: 'record', name, fields })
export const quoteWith = (...fields: readonly Field[]) =>
  record('Quote', { name: 'pair', type: 'string' }, { name: 'at', type: TIME }, ...fields)
export const QUOTE = quoteWith({ name: 'price', type: 'double' })
export const GOOD = { pair: 'ETH-USD', at: AT_MS, price: 3120.5 }

/** What becomes of a value that was written by a schema. */
export function read(schema: object, value: unknown, mapping: object = {}): Decoded {
  return avroFormat({ ...FIELDS, ...mapping }, schemasOf({ 1: schema })).decode(recordOf(framed(schema, value)))
}

/** A long as Avro has it. */
export function zigzag(value: bigint): Buffer {
  const bytes: number[] = []
  let rest = value << 1n
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80)
  return Buffer.from([...bytes, Number(rest)])
}

/** Decimals that their writer gives as texts. */
class DecimalType extends avro.types.LogicalType {
  protected override _fromValue(bytes: Buffer): Buffer {
    return bytes
  }

  protected override _toValue(text: string): Buffer {
    const [whole = '', fraction = ''] = text.split('.')
    return decimalBytes(BigInt(whole + fraction.padEnd(18, '0')))
  }
}

/** What becomes of a value by the schema of a document, which is that of the registry, or that of any file. */
export function decodedAvro(schema: string, mapping: object, value: unknown): Decoded {
  const type = avro.Type.forSchema(JSON.parse(schema), { logicalTypes: { decimal: DecimalType } })
  const problems: MappingFault[] = []
  const rules = formatRules({ 'prices.x': mapping }, problems, () => schema)
  const format = new Formats(rules, schemasOf({ 1: schema })).of('prices.x')
  if (format === undefined) throw new Error(JSON.stringify(problems))
  const prefix = 'schema' in mapping && mapping.schema === 'registry' ? [0, 0, 0, 0, 1] : []
  return format.decode(recordOf(Buffer.concat([Buffer.from(prefix), type.toBuffer(value)])))
}
