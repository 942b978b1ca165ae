import { type Refused, refused } from '../../../schemas/refusal.ts'
import type { Mapping } from '../mapping/mapping.ts'
import type { MappingReader } from '../mapping/mapping-reader.ts'
import type { WrittenSchema } from '../registry/schema-source.ts'
import type { ValueReader } from '../schema-format.ts'
import { compiled } from './compile.ts'
import { fileSource } from './file-source.ts'
import { messageOfSchema, type ProtoSource, parsedProto } from './proto-schema.ts'
import { RegistryReader } from './registry-reader.ts'

/**
 * Makes the readers of Protobuf that a mapping needs, one for each schema of a registry, or the only one of a file. What is
 * wrong with a file becomes a problem; undefined then. `at`: the mapping's place.
 */
export function protobufReaders(
  mapping: Mapping,
  at: string,
  reader: MappingReader,
): ((schema: WrittenSchema) => ValueReader | Refused) | undefined {
  if (mapping.schema?.from === 'registry') return (schema) => registryReader(mapping, schema)
  const ofFile = fileReader(mapping, at, reader)
  return ofFile && (() => ofFile)
}

function fileReader(mapping: Mapping, at: string, reader: MappingReader): ValueReader | undefined {
  const { schema, message: name } = mapping
  if (schema?.from !== 'file') return undefined
  const parsed = parsedProto(fileSource(schema.path, schema.text, reader.readFile))
  if (typeof parsed === 'string') return reader.problem(`${at}.schema`, schema.path, `a .proto file: ${parsed}`)
  const message = messageOfSchema(parsed, name)
  if (typeof message === 'string') return reader.problem(`${at}.message`, name, message)
  const { reader: read, faults } = compiled(mapping, message)
  const missing = parsed.missing.length === 0 ? '' : `; nothing is there to import as ${parsed.missing.join(', ')}`
  for (const { key, path, allowed } of faults) reader.problem(`${at}.${key}`, path, `${allowed}${missing}`)
  return faults.length > 0 ? undefined : { read: (value) => read.decode(value, 0) }
}

function registryReader(mapping: Mapping, { key, type, text, references }: WrittenSchema): ValueReader | Refused {
  if (type !== 'PROTOBUF')
    return refused('unknown-schema', `schema ${key}: expected one of Protobuf, got one of ${type}`)
  const byName = new Map(references.map((reference) => [reference.name, reference.text]))
  const imported = (name: string): ProtoSource | undefined => {
    const found = byName.get(name)
    return found === undefined ? undefined : { name, text: found, imported }
  }
  const parsed = parsedProto({ name: `schema ${key}`, text, imported })
  if (typeof parsed === 'string') return refused('unknown-schema', `${parsed}: it cannot be used`)
  return new RegistryReader(mapping, key, parsed)
}
