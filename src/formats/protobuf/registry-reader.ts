import { type Refused, refused } from '../../../schemas/refusal.ts'
import type { Columns } from '../flat/flat-row.ts'
import type { SchemaKey } from '../registry/schema-source.ts'
import type { Framed } from '../registry/wire-format.ts'
import type { ValueReader } from '../schema-format.ts'
import { messageIndexes } from './message-indexes.ts'
import type { MessageReaders } from './message-readers.ts'
import { type MessageType, messageAt, type ProtoSchema } from './proto-schema.ts'

/** Reads values of a registry's schema: each says by indexes which of its messages it is. */
export class RegistryReader implements ValueReader {
  readonly #key: SchemaKey
  readonly #schema: ProtoSchema
  readonly #make: (message: MessageType) => MessageReaders | Refused
  /** As many as the schema has messages. */
  readonly #byName = new Map<string, MessageReaders | Refused>()
  /** The indexes of the value that was read last, as they are written, and their readers. */
  #lastIndexes = Buffer.alloc(0)
  #last: MessageReaders | undefined

  /** `make`: makes the readers of a message once. */
  constructor(key: SchemaKey, schema: ProtoSchema, make: (message: MessageType) => MessageReaders | Refused) {
    this.#key = key
    this.#schema = schema
    this.#make = make
  }

  read(value: Buffer, { start, rest }: Framed): { readonly root: unknown } | Refused {
    const isInHeader = start === 0
    const found = messageIndexes(isInHeader ? rest : value, start)
    if ('ok' in found) return found
    const readers = this.#readersAt(found.indexes)
    if ('ok' in readers) return readers
    if (isInHeader) return readers.objects.decode(value, 0)
    this.#last = readers
    this.#lastIndexes = Buffer.from(value.subarray(start, found.end))
    return readers.objects.decode(value, found.end)
  }

  readFast(value: Buffer, start: number, into: Columns): boolean {
    const indexes = this.#lastIndexes
    const end = start + indexes.length
    const rows = this.#last?.rows
    if (rows === undefined || end > value.length) return false
    for (let i = 0; i < indexes.length; i++) if (value[start + i] !== indexes[i]) return false
    return rows.read(value, end, into)
  }

  #readersAt(indexes: readonly number[]): MessageReaders | Refused {
    const message = messageAt(this.#schema, indexes)
    if (message === undefined)
      return refused('unknown-schema', `schema ${this.#key}: it has no message at ${indexes.join('.')}`)
    const readers = this.#byName.get(message.fullName) ?? this.#usable(this.#make(message))
    this.#byName.set(message.fullName, readers)
    return readers
  }

  /** A field that is not there is absent, as in schemas from before it was added. */
  #usable(made: MessageReaders | Refused): MessageReaders | Refused {
    const fault = 'ok' in made ? undefined : made.faults.find(({ isAbsent }) => !isAbsent)
    if (fault === undefined) return made
    const { key, path, allowed } = fault
    return refused('unknown-schema', `schema ${this.#key}: ${key}: got ${path}; allowed: ${allowed}`)
  }
}
