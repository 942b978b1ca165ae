import protobuf from 'protobufjs'
import type { Decoded } from '../../../src/formats/format.ts'
import { Formats, formatRules } from '../../../src/formats/formats.ts'
import type { MappingFault } from '../../../src/formats/mapping/mapping-fault.ts'
import type { SchemaSource } from '../../../src/formats/registry/schema-source.ts'
import { AT_MS } from '../stage.ts'

export const FILE = 'quote.proto'

/** A mapping's problems where the files are those, by their paths. */
export function problemsOf(mapping: object, files: Readonly<Record<string, string>>): readonly MappingFault[] {
  const problems: MappingFault[] = []
  formatRules({ 'prices.x': { type: 'protobuf', schema: FILE, ...mapping } }, problems, (path) => files[path])
  return problems
}

/** Decodes bytes of a topic by a mapping and the schema in a file. */
export function decoder(mapping: object, proto: string, files: Readonly<Record<string, string>> = {}) {
  const problems: MappingFault[] = []
  const raw = { 'prices.x': { type: 'protobuf', schema: FILE, ...mapping } }
  const format = new Formats(formatRules(raw, problems, (path) => ({ ...files, [FILE]: proto })[path])).of('prices.x')
  if (format === undefined) throw new Error(JSON.stringify(problems))
  return (value: Uint8Array | undefined): Decoded =>
    format.decode({
      ...{ topic: 'prices.x', partition: 0, offset: 0n, timestampMs: AT_MS, key: undefined, headers: [] },
      value: value && Buffer.from(value),
    })
}

/** Encodes messages of a schema by another implementation. */
export function encoder(proto: string, message: string) {
  const { root } = protobuf.parse(proto, new protobuf.Root(), { keepCase: true })
  for (const path of ['google/protobuf/timestamp.proto', 'google/protobuf/wrappers.proto'])
    root.addJSON(protobuf.common.get(path)?.nested ?? {})
  const type = root.lookupType(message)
  return (fields: object): Buffer => Buffer.from(type.encode(type.fromObject(fields)).finish())
}

/** The bytes of a field, as they are on the wire. */
export function field(number: number, wire: number, ...bytes: readonly number[]): Buffer {
  return Buffer.from([...varint(number * 8 + wire), ...bytes])
}

export function varint(value: number | bigint): readonly number[] {
  const bytes: number[] = []
  for (let rest = BigInt.asUintN(64, BigInt(value)); ; rest >>= 7n) {
    if (rest < 0x80n) return [...bytes, Number(rest)]
    bytes.push(Number(rest & 0x7fn) | 0x80)
  }
}

/** Encodes a message by a schema of a registry or by a file, as the mapping says, and decodes it by the mapping. */
export function decodedProtobuf(proto: string, mapping: object, fields: object): Decoded {
  const problems: MappingFault[] = []
  const schemas: SchemaSource = {
    lookup: (key) => ({ status: 'found', schema: { key, type: 'PROTOBUF', text: proto, references: [] } }),
    trouble: undefined,
    close: () => undefined,
  }
  const format = new Formats(
    formatRules({ 'prices.x': mapping }, problems, () => proto),
    schemas,
  ).of('prices.x')
  if (format === undefined) throw new Error(JSON.stringify(problems))
  const [, first = ''] = /message (\w+)/.exec(proto) ?? []
  const isFramed = 'schema' in mapping && mapping.schema === 'registry'
  const value = Buffer.concat([Buffer.from(isFramed ? [0, 0, 0, 0, 1, 0] : []), encoder(proto, first)(fields)])
  return format.decode({
    ...{ topic: 'prices.x', partition: 0, offset: 0n, timestampMs: AT_MS, key: undefined, headers: [], value },
  })
}
