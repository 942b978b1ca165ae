import { isObject, shown } from '../../../schemas/json-value.ts'
import type { AvroField, AvroTime, AvroType } from './schema.ts'

/** A schema that cannot be used; the message says why. */
class SchemaFault extends Error {}

const PRIMITIVES = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'] as const
const TIMES: Readonly<Record<string, AvroTime>> = { millis: 'ms', micros: 'us', nanos: 'ns' }
const NAME = /^(?:[A-Za-z_]\w*)(?:\.[A-Za-z_]\w*)*$/
const MAX_DEPTH = 100
/** More types than any price has. */
const MAX_TYPES = 10_000
const MAX_SCALE = 100
const MAX_FIXED_BYTES = 1_048_576

/** Reads a schema; `references`: schemas whose names it uses, each after those that it uses itself. Or says what is wrong. */
export function parsedSchema(text: string, references: readonly string[]): AvroType | string {
  const parser = new Parser()
  try {
    for (const reference of references) parser.parse(reference)
    return parser.parse(text)
  } catch (error) {
    if (error instanceof SchemaFault || error instanceof SyntaxError) return error.message
    throw error
  }
}

class Parser {
  readonly #named = new Map<string, AvroType>()
  #types = 0

  /** A schema may be the bare name of a type, which is no JSON in every registry. */
  parse(text: string): AvroType {
    const isName = NAME.test(text.trim())
    return this.#type(isName ? text.trim() : JSON.parse(text), '', 0)
  }

  #type(raw: unknown, namespace: string, depth: number): AvroType {
    if (depth > MAX_DEPTH || ++this.#types > MAX_TYPES) throw new SchemaFault('the schema is too large')
    if (typeof raw === 'string') return this.#byName(raw, namespace)
    if (Array.isArray(raw))
      return { kind: 'union', branches: raw.map((branch) => this.#type(branch, namespace, depth + 1)) }
    if (!isObject(raw)) throw new SchemaFault(`expected a type, got ${shown(raw)}`)
    const { type } = raw
    if (type === 'array') return { kind: 'array', items: this.#type(raw.items, namespace, depth + 1) }
    if (type === 'map') return { kind: 'map', values: this.#type(raw.values, namespace, depth + 1) }
    if (type === 'record' || type === 'error') return this.#record(raw, namespace, depth)
    if (type === 'enum') return this.#define(raw, namespace, { kind: 'enum', symbols: symbolsOf(raw) })
    if (type === 'fixed') return this.#define(raw, namespace, { kind: 'fixed', size: sizeOf(raw), scale: scaleOf(raw) })
    return annotated(this.#type(type, namespace, depth + 1), raw)
  }

  #byName(name: string, namespace: string): AvroType {
    const primitive = PRIMITIVES.find((each) => each === name)
    if (primitive === 'bytes') return { kind: primitive, scale: undefined }
    if (primitive === 'int' || primitive === 'long') return { kind: primitive, time: undefined }
    if (primitive !== undefined) return { kind: primitive }
    const full = name.includes('.') || namespace === '' ? name : `${namespace}.${name}`
    const type = this.#named.get(full) ?? this.#named.get(name)
    if (type === undefined) throw new SchemaFault(`the type ${shown(name)} is not defined`)
    return type
  }

  #record(raw: Readonly<Record<string, unknown>>, namespace: string, depth: number): AvroType {
    const fields: AvroField[] = []
    const inner = namespaceOf(raw, namespace)
    // It is known by its name before its fields are, since they may name it.
    const record = this.#define(raw, namespace, { kind: 'record', fields })
    if (!Array.isArray(raw.fields)) throw new SchemaFault(`fields: expected a list, got ${shown(raw.fields)}`)
    for (const field of raw.fields) {
      if (!isObject(field)) throw new SchemaFault(`expected a field, got ${shown(field)}`)
      fields.push({
        name: checkedName(field.name),
        aliases: Array.isArray(field.aliases) ? field.aliases.filter((alias) => typeof alias === 'string') : [],
        type: annotated(this.#type(field.type, inner, depth + 1), field),
      })
    }
    return record
  }

  #define(raw: Readonly<Record<string, unknown>>, namespace: string, type: AvroType): AvroType {
    const name = checkedName(raw.name)
    const inner = namespaceOf(raw, namespace)
    this.#named.set(name.includes('.') || inner === '' ? name : `${inner}.${name}`, type)
    return type
  }
}

function checkedName(name: unknown): string {
  if (typeof name === 'string' && NAME.test(name)) return name
  throw new SchemaFault(`expected a name, got ${shown(name)}`)
}

function namespaceOf({ name, namespace }: Readonly<Record<string, unknown>>, around: string): string {
  if (typeof name === 'string' && name.includes('.')) return name.slice(0, name.lastIndexOf('.'))
  return typeof namespace === 'string' ? namespace : around
}

/** A logical type that is not known, or not allowed there, says nothing. */
function annotated(type: AvroType, { logicalType, scale, precision }: Readonly<Record<string, unknown>>): AvroType {
  if (typeof logicalType !== 'string') return type
  if (type.kind === 'bytes') return { ...type, scale: type.scale ?? scaleOf({ logicalType, scale, precision }) }
  const [, unit = ''] = /^(?:local-)?timestamp-(millis|micros|nanos)$/.exec(logicalType) ?? []
  return type.kind === 'long' ? { ...type, time: type.time ?? TIMES[unit] } : type
}

/** A decimal without a scale has 0. */
function scaleOf({ logicalType, scale = 0 }: Readonly<Record<string, unknown>>): number | undefined {
  const isScale = typeof scale === 'number' && Number.isInteger(scale) && scale >= 0 && scale <= MAX_SCALE
  return logicalType === 'decimal' && isScale ? scale : undefined
}

function sizeOf({ size }: Readonly<Record<string, unknown>>): number {
  if (typeof size === 'number' && Number.isInteger(size) && size >= 0 && size <= MAX_FIXED_BYTES) return size
  throw new SchemaFault(`size: expected a number of bytes, got ${shown(size)}`)
}

function symbolsOf({ symbols }: Readonly<Record<string, unknown>>): readonly string[] {
  if (Array.isArray(symbols) && symbols.every((symbol) => typeof symbol === 'string')) return symbols
  throw new SchemaFault(`symbols: expected a list of names, got ${shown(symbols)}`)
}
