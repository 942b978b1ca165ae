import type { Held } from '../format.ts'

/** The id of a schema: a number of its registry's own, or a GUID as text. */
export type SchemaKey = number | string

/** The schema by which a record was written, as its registry has it. It never changes. */
export interface WrittenSchema {
  readonly key: SchemaKey
  readonly type: 'AVRO' | 'PROTOBUF' | 'JSON'
  readonly text: string
  /** What it refers to, each once, and each after what it refers to itself. */
  readonly references: readonly SchemaReference[]
}

export interface SchemaReference {
  /** The name of an Avro type, or of an imported file. */
  readonly name: string
  readonly text: string
}

export type Lookup =
  | { readonly status: 'found'; readonly schema: WrittenSchema }
  /** The registry has no such schema. */
  | { readonly status: 'unknown'; readonly detail: string }
  /** The registry has not answered yet, or is away. */
  | ({ readonly status: 'held' } & Held)

/** Gives the schemas by which records were written. */
export interface SchemaSource {
  /** The schema of an id. Asks for one that is not here, if it is not asked for already; never throws. */
  lookup(key: SchemaKey): Lookup
  /** Why schemas that are needed cannot be had at the moment; undefined if none is missing. */
  readonly trouble: string | undefined
  /** Ends what is under way. May be called twice. */
  close(): void
}

/** Without a registry there are no schemas. */
export const NO_SCHEMAS: SchemaSource = {
  lookup: () => ({ status: 'unknown', detail: 'there is no registry' }),
  trouble: undefined,
  close: () => undefined,
}
