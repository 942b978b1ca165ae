import avro from 'avsc'
import type { Format } from '../../../src/formats/format.ts'
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

/** The id of a schema, and the value as a writer of that schema has it. */
export function framed(schema: object, value: unknown, id = 1): Buffer {
  const type = avro.Type.forSchema(schema as avro.Schema, { wrapUnions: 'never' })
  return Buffer.concat([Buffer.from([0, 0, 0, 0, id]), type.toBuffer(value)])
}

export function recordOf(value: Buffer | undefined, rest: Partial<KafkaRecord> = {}): KafkaRecord {
  return {
    ...{ topic: 'prices.x', partition: 0, offset: 0n, timestampMs: AT_MS },
    ...{ key: undefined, headers: [], value, ...rest },
  }
}
