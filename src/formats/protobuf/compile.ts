import type { Mapping } from '../mapping/mapping.ts'
import type { Path } from '../path.ts'
import { askedBy } from './asked.ts'
import { MessageReader, type ReadField } from './message-reader.ts'
import { fieldOf, type MessageType, type ProtoField } from './proto-schema.ts'
import { enumScalar, SCALARS, type Scalar } from './scalars.ts'
import { type Against, against, isListAt, stepsOf } from './steps.ts'
import { WELL_KNOWN } from './well-known.ts'

/** What a mapping asks for and a schema does not have. */
export interface SchemaFault extends Against {
  /** The key of the mapping. */
  readonly key: string
  readonly path: string
}

/** The fields of a message that are asked for. */
type Wanted = Map<string, Wanted>

/** Makes the reader of what a mapping asks of a message, and tells what the message does not have. */
export function compiled(
  mapping: Mapping,
  type: MessageType,
): { readonly reader: MessageReader; readonly faults: readonly SchemaFault[] } {
  const faults: SchemaFault[] = []
  const wanted: Wanted = new Map()
  for (const asked of askedBy(mapping, (path) => isListAt(type, path))) {
    const found = asked.paths.map((path) => ({ path, fault: against(type, path, asked.expected) }))
    for (const { path, fault } of found) if (fault === undefined) want(wanted, type, path)
    const [first] = found
    if (asked.mayLack === true) continue
    if (first?.fault !== undefined && found.every(({ fault }) => fault !== undefined))
      faults.push({ key: asked.key, path: first.path.join('.'), ...first.fault })
  }
  return { reader: readerOf(type, wanted), faults }
}

function want(wanted: Wanted, type: MessageType, path: Path): void {
  let at = wanted
  for (const { name } of stepsOf(type, path)) {
    const inner: Wanted = at.get(name) ?? new Map()
    at.set(name, inner)
    at = inner
  }
}

function readerOf(type: MessageType, wanted: Wanted): MessageReader {
  const reader = new MessageReader()
  for (const { name } of type.fieldsArray) {
    const inner = wanted.get(name)
    const found = fieldOf(type, name)
    if (found === undefined || 'against' in found) continue
    const rivals = (found.field.partOf?.fieldsArray ?? []).map((field) => field.name)
    const others = rivals.filter((rival) => rival !== name && wanted.has(rival))
    if (inner !== undefined) reader.add(readField(found, inner, { name, rivals: others }))
    else if (others.length > 0) reader.add({ ...NOT_ASKED, number: found.field.id, rivals: others })
  }
  return reader
}

const NOTHING: Scalar = { wire: 0, zero: 0, read: () => undefined }
const NOT_ASKED = { ...{ name: undefined, isRepeated: false, isGroup: false }, type: NOTHING, words: '' }

type Found = Extract<ProtoField, { field: unknown }>

function readField({ field, message }: Found, inner: Wanted, names: Pick<ReadField, 'name' | 'rivals'>): ReadField {
  const shape = { ...names, number: field.id, isRepeated: field.repeated, isGroup: field.delimited }
  const words = `${field.fullName.slice(1)}: expected ${field.type}`
  if (message !== undefined) {
    const wellKnown = inner.size === 0 ? WELL_KNOWN.get(message.fullName) : undefined
    const wanted: Wanted = wellKnown === undefined ? inner : new Map(wellKnown.fields.map((name) => [name, new Map()]))
    return { ...shape, words, type: readerOf(message, wanted), wellKnown, absent: field.repeated || undefined }
  }
  const type = scalarOf(field)
  const absent = field.hasPresence ? field.options?.default : type.zero
  return { ...shape, words, type, absent: field.repeated || absent }
}

function scalarOf({ type, resolvedType }: Found['field']): Scalar {
  const known = SCALARS.get(type)
  if (known !== undefined || resolvedType === null || !('valuesById' in resolvedType)) return known ?? NOTHING
  const { valuesById, values } = resolvedType
  const [first] = Object.values(values)
  return enumScalar(valuesById, first === undefined ? 0 : (valuesById[first] ?? first))
}
