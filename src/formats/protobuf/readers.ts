import { shown } from '../../../schemas/json-value.ts'
import { type Refused, refused } from '../../../schemas/refusal.ts'
import type { Mapping } from '../mapping/mapping.ts'
import type { MappingReader } from '../mapping/mapping-reader.ts'
import type { WrittenSchema } from '../registry/schema-source.ts'
import type { ValueReader } from '../schema-format.ts'
import { compiled } from './compile.ts'
import { fileSource } from './file-source.ts'
import { type MessageReaders, messageReaders, type OnTopic } from './message-readers.ts'
import { type MessageType, messageOfSchema, type ProtoSource, parsedProto } from './proto-schema.ts'
import { RegistryReader } from './registry-reader.ts'

/**
 * Makes the readers of Protobuf that a mapping needs, one for each schema of a registry, or the only one of a file. What is
 * wrong with a file becomes a problem; undefined then. `at`: the mapping's place.
 */
export function protobufReaders(
  mapping: Mapping,
  at: string,
  reader: MappingReader,
): ((on: OnTopic) => (schema: WrittenSchema) => ValueReader | Refused) | undefined {
  if (mapping.schema?.from === 'registry') return (on) => (schema) => registryReader(mapping, on, schema)
  const message = fileMessage(mapping, at, reader)
  return message && ((on) => () => fileReader(messageReaders(mapping, message, on)))
}

/** No field has a 0 as its tag. */
const FRAMED = refused(
  'not-protobuf',
  "it begins with a 0, as what Confluent's serializers write: such records need the schema registry",
)

function fileReader({ objects, rows }: MessageReaders): ValueReader {
  return {
    read: (value) => (value[0] === 0 ? FRAMED : objects.decode(value, 0)),
    readFast: (value, start, into) => rows?.read(value, start, into) ?? false,
  }
}

/** The message that a mapping names in a file, which has all that the mapping asks for. */
function fileMessage(mapping: Mapping, at: string, reader: MappingReader): MessageType | undefined {
  const { schema, message: name } = mapping
  if (schema?.from !== 'file') return undefined
  const parsed = parsedProto(fileSource(schema.path, schema.text, reader.readFile))
  if (typeof parsed === 'string') return reader.problem(`${at}.schema`, schema.path, `a .proto file: ${parsed}`)
  const message = messageOfSchema(parsed, name)
  if (typeof message === 'string') return reader.problem(`${at}.message`, name, message)
  const { faults } = compiled(mapping, message)
  const missing = parsed.missing.length === 0 ? '' : `; nothing is there to import as ${parsed.missing.join(', ')}`
  for (const { key, path, allowed } of faults) reader.problem(`${at}.${key}`, path, `${allowed}${missing}`)
  return faults.length > 0 ? undefined : message
}

function registryReader(
  mapping: Mapping,
  on: OnTopic,
  { key, type, text, references }: WrittenSchema,
): ValueReader | Refused {
  if (type !== 'PROTOBUF')
    return refused('unknown-schema', `schema ${key}: expected one of Protobuf, got one of ${type}`)
  const byName = new Map(references.map((reference) => [reference.name, reference.text]))
  const imported = (name: string): ProtoSource | undefined => {
    const found = byName.get(name)
    return found === undefined ? undefined : { name, text: found, imported }
  }
  const parsed = parsedProto({ name: `schema ${key}`, text, imported })
  if (typeof parsed === 'string') return refused('unknown-schema', `${parsed}: it cannot be used`)
  return new RegistryReader(key, parsed, (message) => {
    const name = message.fullName.slice(1)
    const { message: expected = name } = mapping
    if (name === expected) return messageReaders(mapping, message, on)
    return refused('unknown-schema', `schema ${key}: expected the message ${expected}, got ${shown(name)}`)
  })
}
