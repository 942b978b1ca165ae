import { isObject } from '../../../schemas/json-value.ts'
import { checkedName } from '../../../schemas/price-object.ts'
import { isExtraName, MAX_EXTRA_FIELDS, MAX_EXTRA_NAME_CHARS } from '../../../schemas/price-update.ts'
import { TIME_UNITS, type TimeUnit } from '../time.ts'
import { conditionsOf } from './check-conditions.ts'
import {
  type Fields,
  type Mapping,
  NAMES,
  type NameOf,
  NUMBERS,
  type NumberOf,
  OWN_TYPE,
  type PlainNumber,
  type SchemaPlace,
  type TimeOf,
  TYPES,
} from './mapping.ts'
import type { MappingReader } from './mapping-reader.ts'

const KEYS = [
  'type',
  'schema',
  'message',
  'record',
  'text',
  'updates',
  'signed',
  'zero',
  'skip',
  'delete',
  'eventTimeMs',
  'extra',
  ...NAMES,
  ...NUMBERS,
]
const MAX_SCALE = 100

/** Reads a mapping as the settings have it. `at`: its place in the file. Every fault becomes a problem; undefined if there is one. */
export function checkedMapping(raw: unknown, at: string, reader: MappingReader): Mapping | undefined {
  const before = reader.problems
  if (!isObject(raw)) {
    reader.problem(at, raw, 'an object, or the name of a preset')
    return undefined
  }
  reader.unknownKeys(raw, at, KEYS)
  const named = reader.oneOf(raw.type, `${at}.type`, [...TYPES, OWN_TYPE])
  // Who names our own format has no mapping.
  const type = named === undefined || named === OWN_TYPE ? 'json' : named
  const mapping: Mapping = {
    type,
    schema: schemaOf(raw.schema, { at: `${at}.schema`, type }, reader),
    message: messageOf(raw.message, { at: `${at}.message`, type }, reader),
    record: reader.paths(raw.record, `${at}.record`),
    text: reader.path(raw.text, `${at}.text`),
    updates: reader.path(raw.updates, `${at}.updates`),
    fields: fieldsOf(raw, at, reader),
    extra: extraOf(raw.extra, `${at}.extra`, reader),
    signed: reader.flag(raw.signed, `${at}.signed`),
    zeroIsAbsent: reader.oneOf(raw.zero, `${at}.zero`, ['price', 'absent']) === 'absent',
    skip: conditionsOf(raw.skip, `${at}.skip`, reader),
    delete: conditionsOf(raw.delete, `${at}.delete`, reader),
  }
  return reader.problems > before ? undefined : mapping
}

const SCHEMA_WORDS = 'registry, or the path of a file, from the working directory, that can be read'

function schemaOf(
  raw: unknown,
  { at, type }: { readonly at: string; readonly type: Mapping['type'] },
  reader: MappingReader,
): SchemaPlace | undefined {
  if (type === 'json') return raw === undefined ? undefined : reader.problem(at, raw, 'nothing: JSON needs none')
  if (raw === 'registry') return { from: 'registry' }
  const text = typeof raw === 'string' ? reader.readFile(raw) : undefined
  return text === undefined ? reader.problem(at, raw, SCHEMA_WORDS) : { from: 'file', path: raw as string, text }
}

function messageOf(
  raw: unknown,
  { at, type }: { readonly at: string; readonly type: Mapping['type'] },
  reader: MappingReader,
): string | undefined {
  if (raw === undefined) return undefined
  if (type !== 'protobuf') return reader.problem(at, raw, 'nothing: only Protobuf has messages')
  return typeof raw === 'string' ? raw : reader.problem(at, raw, 'the name of a message, such as prices.Quote')
}

function fieldsOf(raw: Readonly<Record<string, unknown>>, at: string, reader: MappingReader): Fields {
  for (const field of ['pair', 'chain', 'price', 'eventTimeMs'])
    if (raw[field] === undefined)
      reader.problem(`${at}.${field}`, undefined, 'a path, or an object: an update needs it')
  const fields: Record<string, NameOf | NumberOf | TimeOf | undefined> = {}
  for (const name of NAMES) {
    if (raw[name] === undefined) continue
    const of = nameOf(raw[name], `${at}.${name}`, reader)
    fields[name] = of
    if (name === 'group' || of?.place.from !== 'const') continue
    const against = checkedName(String(of.place.value), name)
    if (against !== undefined) reader.problem(`${at}.${name}.const`, of.place.value, `a name: ${against.detail}`)
  }
  for (const number of NUMBERS)
    if (raw[number] !== undefined) fields[number] = numberOf(raw[number], `${at}.${number}`, reader)
  if (raw.eventTimeMs !== undefined) fields.eventTimeMs = timeOf(raw.eventTimeMs, `${at}.eventTimeMs`, reader)
  return fields as Fields
}

const EXTRA_WORDS = `an object of up to ${MAX_EXTRA_FIELDS} paths, by names of 1 to ${MAX_EXTRA_NAME_CHARS} characters`

function extraOf(raw: unknown, at: string, reader: MappingReader): Mapping['extra'] {
  if (raw === undefined) return []
  const names = isObject(raw) ? Object.keys(raw) : []
  if (!isObject(raw) || names.length > MAX_EXTRA_FIELDS || !names.every(isExtraName)) {
    reader.problem(at, raw, EXTRA_WORDS)
    return []
  }
  return names.flatMap((name) => {
    const place = reader.place(raw[name], `${at}.${name}`, [])
    return place === undefined ? [] : [[name, place] as const]
  })
}

function nameOf(raw: unknown, at: string, reader: MappingReader): NameOf | undefined {
  const place = reader.place(raw, at, ['case', 'aliases'])
  const options = isObject(raw) ? raw : {}
  const toCase = reader.oneOf(options.case, `${at}.case`, ['upper', 'lower'])
  const aliases = options.aliases ?? {}
  const isMap = isObject(aliases) && Object.values(aliases).every((name) => typeof name === 'string' && name !== '')
  if (!isMap) reader.problem(`${at}.aliases`, aliases, 'an object of names by the names that records have')
  if (place === undefined) return undefined
  return { place, case: toCase, aliases: new Map(isMap ? (Object.entries(aliases) as [string, string][]) : []) }
}

function numberOf(raw: unknown, at: string, reader: MappingReader): NumberOf | undefined {
  if (!isObject(raw) || raw.mid === undefined) return plainNumberOf(raw, at, reader)
  reader.unknownKeys(raw, at, ['mid'])
  if (!Array.isArray(raw.mid) || raw.mid.length !== 2) {
    reader.problem(`${at}.mid`, raw.mid, 'a list of two: the bid and the ask')
    return undefined
  }
  const [bid, ask] = raw.mid.map((side, i) => plainNumberOf(side, `${at}.mid.${i}`, reader))
  return bid === undefined || ask === undefined ? undefined : { mid: [bid, ask] }
}

function plainNumberOf(raw: unknown, at: string, reader: MappingReader): PlainNumber | undefined {
  const place = reader.place(raw, at, ['scale', 'exponent', 'decimal'])
  const options = isObject(raw) ? raw : {}
  const decimal = options.decimal ?? {}
  if (!isObject(decimal)) {
    reader.problem(`${at}.decimal`, decimal, 'an object with base64 or hex, and scale')
    return undefined
  }
  reader.unknownKeys(decimal, `${at}.decimal`, ['base64', 'hex', 'scale'])
  if (options.scale !== undefined && decimal.scale !== undefined)
    reader.problem(`${at}.scale`, options.scale, `nothing, if ${at}.decimal.scale is given`)
  const isBase64 = reader.flag(decimal.base64, `${at}.decimal.base64`)
  const isHex = reader.flag(decimal.hex, `${at}.decimal.hex`)
  if (isBase64 && isHex) reader.problem(`${at}.decimal`, decimal, 'base64 or hex, not both')
  const scale =
    reader.integer(options.scale, `${at}.scale`, MAX_SCALE) ??
    reader.integer(decimal.scale, `${at}.decimal.scale`, MAX_SCALE) ??
    0
  const exponent = reader.path(options.exponent, `${at}.exponent`)
  if (place === undefined) return undefined
  return { place, integer: isBase64 ? 'base64' : isHex ? 'hex' : undefined, scale, exponent }
}

function timeOf(raw: unknown, at: string, reader: MappingReader): TimeOf | undefined {
  const place = reader.place(raw, at, ['unit'])
  const unit: TimeUnit = reader.oneOf(isObject(raw) ? raw.unit : undefined, `${at}.unit`, TIME_UNITS) ?? 'ms'
  if (place === undefined) return undefined
  if (place.from === 'timestamp' && unit !== 'ms') reader.problem(`${at}.unit`, unit, 'nothing: Kafka has milliseconds')
  return { place, unit, isUnitGiven: isObject(raw) && raw.unit !== undefined }
}
