import { type Refused, refused } from '../../../schemas/refusal.ts'
import type { Columns } from '../flat/flat-row.ts'
import type { Mapping } from '../mapping/mapping.ts'
import type { MappingReader } from '../mapping/mapping-reader.ts'
import type { WrittenSchema } from '../registry/schema-source.ts'
import type { Framed } from '../registry/wire-format.ts'
import type { ValueReader } from '../schema-format.ts'
import type { TopicGroups } from '../scope.ts'
import { Cursor } from './cursor.ts'
import { Objects, type Read } from './objects.ts'
import { parsedSchema } from './parse.ts'
import { rowPlanOf } from './row-plan.ts'
import { RowReader } from './row-reader.ts'
import { wantedBy } from './wanted.ts'

/** Makes readers of Avro, one for each schema, that read what the mapping asks for and pass over the rest. */
export function avroReaders(
  mapping: Mapping,
  on: { readonly topic: string; readonly groups: TopicGroups },
): (schema: WrittenSchema) => ValueReader | Refused {
  const wanted = wantedBy(mapping)
  return ({ key, type, text, references }) => {
    if (type !== 'AVRO') return refused('unknown-schema', `schema ${key}: expected one of Avro, got one of ${type}`)
    const root = parsedSchema(
      text,
      references.map((reference) => reference.text),
    )
    if (typeof root === 'string') return refused('unknown-schema', `schema ${key} cannot be used: ${root}`)
    const plan = rowPlanOf(root, mapping, on)
    return new AvroReader(new Objects().of(root, wanted), plan && new RowReader(plan, mapping.zeroIsAbsent))
  }
}

/** Whether the schema of a file can be used. If not, the reader is told why. */
export function isAvroFile({ schema }: Mapping, at: string, reader: MappingReader): boolean {
  if (schema?.from !== 'file') return true
  const root = parsedSchema(schema.text, [])
  if (typeof root !== 'string') return true
  reader.problem(`${at}.schema`, schema.path, `a file with a schema of Avro: ${root}`)
  return false
}

class AvroReader implements ValueReader {
  readonly #cursor = new Cursor()
  readonly #read: Read

  readonly #rows: RowReader | undefined

  constructor(read: Read, rows: RowReader | undefined) {
    this.#read = read
    this.#rows = rows
  }

  readFast(value: Buffer, start: number, into: Columns): boolean {
    return this.#rows?.read(value, start, into) ?? false
  }

  read(value: Buffer, { start }: Framed): { readonly root: unknown } | Refused {
    const cursor = this.#cursor
    cursor.start(value, start)
    const root = this.#read(cursor)
    if (cursor.fault !== undefined) return refused('not-avro', `the value does not fit its schema: ${cursor.fault}`)
    const left = value.length - cursor.at
    return left === 0 ? { root } : refused('not-avro', `the value does not fit its schema: ${left} bytes are left over`)
  }
}
