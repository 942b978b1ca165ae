import { type Refused, refused } from '../../../schemas/refusal.ts'
import type { Mapping } from '../mapping/mapping.ts'
import type { SchemaKey } from '../registry/schema-source.ts'
import type { Framed } from '../registry/wire-format.ts'
import type { ValueReader } from '../schema-format.ts'
import { compiled } from './compile.ts'
import { messageIndexes } from './message-indexes.ts'
import type { MessageReader } from './message-reader.ts'
import { type MessageType, messageAt, type ProtoSchema } from './proto-schema.ts'

/** Reads values of a registry's schema: each says by indexes which of its messages it is. */
export class RegistryReader implements ValueReader {
  readonly #mapping: Mapping
  readonly #key: SchemaKey
  readonly #schema: ProtoSchema
  /** The first message of the schema, which most values are. */
  #first: MessageReader | Refused | undefined
  /** As many as the schema has messages. */
  readonly #byName = new Map<string, MessageReader | Refused>()

  constructor(mapping: Mapping, key: SchemaKey, schema: ProtoSchema) {
    this.#mapping = mapping
    this.#key = key
    this.#schema = schema
  }

  read(value: Buffer, { start, rest }: Framed): { readonly root: unknown } | Refused {
    const isInHeader = start === 0
    const found = messageIndexes(isInHeader ? rest : value, start)
    if ('ok' in found) return found
    const reader = this.#readerAt(found.indexes)
    return 'ok' in reader ? reader : reader.decode(value, isInHeader ? 0 : found.end)
  }

  #readerAt(indexes: readonly number[]): MessageReader | Refused {
    if (indexes.length === 1 && indexes[0] === 0 && this.#first !== undefined) return this.#first
    const message = messageAt(this.#schema, indexes)
    if (message === undefined)
      return refused('unknown-schema', `schema ${this.#key}: it has no message at ${indexes.join('.')}`)
    const reader = this.#byName.get(message.fullName) ?? this.#readerOf(message)
    this.#byName.set(message.fullName, reader)
    if (indexes.length === 1 && indexes[0] === 0) this.#first = reader
    return reader
  }

  #readerOf(message: MessageType): MessageReader | Refused {
    const name = message.fullName.slice(1)
    const { message: expected = name } = this.#mapping
    if (name !== expected)
      return refused('unknown-schema', `schema ${this.#key}: expected the message ${expected}, got ${name}`)
    const { reader, faults } = compiled(this.#mapping, message)
    // A field that is not there is absent, as in schemas from before it was added.
    const fault = faults.find(({ isAbsent }) => !isAbsent)
    if (fault === undefined) return reader
    const { key, path, allowed } = fault
    return refused('unknown-schema', `schema ${this.#key}: ${key}: got ${path}; allowed: ${allowed}`)
  }
}
