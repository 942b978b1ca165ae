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
class Wanted extends Map<string, Wanted> {
  /** Texts with which conditions compare the value. */
  readonly compared: string[] = []
}

/** Makes the reader of what a mapping asks of a message, and tells what the message does not have. */
export function compiled(
  mapping: Mapping,
  type: MessageType,
): { readonly reader: MessageReader; readonly faults: readonly SchemaFault[] } {
  const faults: SchemaFault[] = []
  const wanted = new Wanted()
  const values: { readonly at: Wanted; readonly key: string; readonly path: Path }[] = []
  for (const asked of askedBy(mapping, (path) => isListAt(type, path))) {
    const found = asked.paths.map((path) => ({ path, fault: against(type, path, asked.expected) }))
    for (const { path, fault } of found) {
      if (fault !== undefined) continue
      const at = want(wanted, type, path)
      at.compared.push(...asked.equals)
      if (asked.expected !== 'optional' && isOneValue(type, path)) values.push({ at, key: asked.key, path })
    }
    const [first] = found
    if (asked.mayLack === true) continue
    if (first?.fault !== undefined && found.every(({ fault }) => fault !== undefined))
      faults.push({ key: asked.key, path: first.path.join('.'), ...first.fault })
  }
  const allowed = 'no other path into it, since it is read as one value'
  for (const { at, key, path } of values)
    if (at.size > 0) faults.push({ key, path: path.join('.'), allowed, isAbsent: false })
  return { reader: readerOf(type, wanted), faults }
}

/** Whether the path leads to a message that stands for a value. */
function isOneValue(type: MessageType, path: Path): boolean {
  const last = [...stepsOf(type, path)].at(-1)
  return last !== undefined && 'field' in last && WELL_KNOWN.has(last.message?.fullName ?? '')
}

function want(wanted: Wanted, type: MessageType, path: Path): Wanted {
  let at = wanted
  for (const { name } of stepsOf(type, path)) {
    const inner = at.get(name) ?? new Wanted()
    at.set(name, inner)
    at = inner
  }
  return at
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
    const wanted = wellKnown === undefined ? inner : new Wanted(wellKnown.fields.map((name) => [name, new Wanted()]))
    return { ...shape, words, type: readerOf(message, wanted), wellKnown, absent: field.repeated || undefined }
  }
  const type = scalarOf(field, inner)
  const absent = field.hasPresence ? field.options?.default : type.zero
  return { ...shape, words, type, absent: field.repeated || absent }
}

function scalarOf({ type, resolvedType }: Found['field'], { compared }: Wanted): Scalar {
  const known = SCALARS.get(type)
  if (known !== undefined || resolvedType === null || !('valuesById' in resolvedType)) return known ?? NOTHING
  const { valuesById, values } = resolvedType
  const names: Record<number, string> = { ...valuesById }
  // A number may have several names. The one by which a condition knows it counts.
  for (const name of compared) if (Object.hasOwn(values, name)) names[values[name] as number] = name
  const [first] = Object.values(values)
  return enumScalar(names, first === undefined ? 0 : (names[first] ?? first))
}
