import { LRUCache } from 'lru-cache'
import { type Refused, refused } from '../../schemas/refusal.ts'
import type { PairIds, UpdateColumns } from '../../schemas/update-columns.ts'
import type { KafkaRecord } from '../kafka-record.ts'
import type { Columns } from './flat/flat-row.ts'
import type { Decoded, Format, Held } from './format.ts'
import { MappedReader } from './mapped-reader.ts'
import type { Mapping } from './mapping/mapping.ts'
import type { SchemaKey, SchemaSource, WrittenSchema } from './registry/schema-source.ts'
import { type Framed, framedOf, hasIdHeader, PREFIX_BYTES } from './registry/wire-format.ts'
import type { TopicGroups } from './scope.ts'

/** Reads values that were written by one schema. */
export interface ValueReader {
  /** What a mapping is applied to, or why the value cannot be read. */
  read(value: Buffer, framed: Framed): { readonly root: unknown } | Refused
  /** Appends the update in the value from `start` on. False is no verdict, and appends none. */
  readFast?(value: Buffer, start: number, into: Columns): boolean
}

export interface SchemaFormatOptions {
  readonly groups: TopicGroups
  readonly schemas: SchemaSource
  /** The reader of values of a schema, or why there is none. Called once for each schema. */
  readonly readers: (schema: WrittenSchema) => ValueReader | Refused
}

type Reader = ValueReader | Refused

/** Most of the schemas of a topic that are in use at a time. */
const MOST_READERS = 1_000
/** A file's values have no id. */
const RAW: Framed = { key: 'file', start: 0, rest: Buffer.alloc(0) }

/** Reads records that were written by a schema: that of a file, or the one whose id in a registry they name. */
export class SchemaFormat implements Format {
  readonly name: string
  readonly #mapped: MappedReader
  readonly #options: SchemaFormatOptions
  readonly #byKey = new LRUCache<SchemaKey, Reader>({ max: MOST_READERS })
  /** The reader of a file's schema. */
  readonly #ofFile: Reader | undefined
  /** The last schema of all, and its reader. */
  #lastId = -1
  #last: ValueReader | undefined
  /** Made once for each of a topic's lanes. */
  #into: Columns | undefined

  constructor(name: string, mapping: Mapping, options: SchemaFormatOptions) {
    this.name = name
    this.#options = options
    this.#mapped = new MappedReader(mapping, options.groups)
    const { schema } = mapping
    if (schema?.from === 'file') this.#ofFile = options.readers({ ...fileSchema(mapping), text: schema.text })
  }

  isFast(headers: KafkaRecord['headers']): boolean {
    return this.#ofFile !== undefined || !hasIdHeader(headers)
  }

  decodeFast(value: Buffer, columns: UpdateColumns, ids: PairIds): boolean {
    if (this.#into?.columns !== columns || this.#into.ids !== ids) this.#into = { columns, ids }
    if (this.#ofFile !== undefined)
      return 'ok' in this.#ofFile ? false : (this.#ofFile.readFast?.(value, 0, this.#into) ?? false)
    if (value.length < PREFIX_BYTES || value[0] !== 0) return false
    const id = uint32At(value, 1)
    if (id !== this.#lastId) {
      const reader = this.#byKey.get(id)
      if (reader === undefined || 'ok' in reader) return false
      this.#lastId = id
      this.#last = reader
    }
    return this.#last?.readFast?.(value, PREFIX_BYTES, this.#into) ?? false
  }

  held(record: KafkaRecord): Held | undefined {
    if (record.value === undefined || this.#ofFile !== undefined) return undefined
    const framed = framedOf(record, record.value)
    if ('ok' in framed || this.#byKey.has(framed.key)) return undefined
    const found = this.#options.schemas.lookup(framed.key)
    return found.status === 'held' ? found : undefined
  }

  decode(record: KafkaRecord): Decoded {
    const { value } = record
    if (value === undefined) return this.#mapped.tombstone(record)
    const framed = this.#ofFile === undefined ? framedOf(record, value) : RAW
    if ('ok' in framed) return framed
    const reader = this.#ofFile ?? this.#readerOf(framed.key)
    if ('ok' in reader) return reader
    const read = reader.read(value, framed)
    return 'ok' in read ? read : this.#mapped.read(record, read.root)
  }

  #readerOf(key: SchemaKey): Reader {
    const known = this.#byKey.get(key)
    if (known !== undefined) return known
    const found = this.#options.schemas.lookup(key)
    if (found.status === 'unknown') return refused('unknown-schema', `schema ${key}: ${found.detail}`)
    if (found.status === 'held') return refused('unknown-schema', `schema ${key} is not here: ${found.reason}`)
    const reader = this.#options.readers(found.schema)
    this.#byKey.set(key, reader)
    return reader
  }
}

function fileSchema({ type }: Mapping): Omit<WrittenSchema, 'text'> {
  return { key: 'file', type: type === 'avro' ? 'AVRO' : 'PROTOBUF', references: [] }
}

/** As `readUInt32BE`, which costs more than the rest of the look at the id. */
function uint32At(bytes: Buffer, at: number): number {
  const high = ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
  const low = ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)
  return high * 65_536 + low
}
