/** A type of an Avro schema, as a reader needs it. Named types are the same object wherever they are named. */
export type AvroType =
  | { readonly kind: 'null' | 'boolean' | 'float' | 'double' | 'string' }
  | { readonly kind: 'int' | 'long'; readonly time: AvroTime | undefined }
  /** `scale`: it is a decimal with so many digits behind the point. */
  | { readonly kind: 'bytes'; readonly scale: number | undefined }
  | { readonly kind: 'fixed'; readonly size: number; readonly scale: number | undefined }
  | { readonly kind: 'enum'; readonly symbols: readonly string[] }
  | { readonly kind: 'array'; readonly items: AvroType }
  | { readonly kind: 'map'; readonly values: AvroType }
  | { readonly kind: 'union'; readonly branches: readonly AvroType[] }
  | AvroRecord

/** A record may hold itself. */
export interface AvroRecord {
  readonly kind: 'record'
  readonly fields: readonly AvroField[]
}

export interface AvroField {
  readonly name: string
  readonly aliases: readonly string[]
  readonly type: AvroType
}

/** The unit of a timestamp since 1970. */
export type AvroTime = 'ms' | 'us' | 'ns'
