import { nearest } from '../../nearest.ts'
import type { Path } from '../path.ts'
import { type Asked, EACH } from './asked.ts'
import { fieldOf, type MessageType, type ProtoField } from './proto-schema.ts'
import { WELL_KNOWN } from './well-known.ts'

/** What is wrong with a path in a message. */
export interface Against {
  readonly allowed: string
  /** Whether only the field is not there, as in a schema of before or after. */
  readonly isAbsent: boolean
}

/** The fields that a path goes through; those of a list are followed by a number or EACH. */
export function* stepsOf(
  type: MessageType,
  path: Path,
): Iterable<ProtoField & { readonly name: string; readonly rest: Path }> {
  let at: MessageType | undefined = type
  for (let i = 0; i < path.length && at !== undefined; i++) {
    const name = path[i] as string
    const found = fieldOf(at, name)
    if (found === undefined) return
    if ('field' in found && found.field.repeated && isIndex(path[i + 1])) i++
    yield { ...found, name, rest: path.slice(i + 1) }
    at = 'field' in found ? found.message : undefined
  }
}

function isIndex(name: string | undefined): boolean {
  return name !== undefined && (name === EACH || /^\d+$/.test(name))
}

/** What is wrong with a path, if something is. */
export function against(type: MessageType, path: Path, expected: Asked['expected']): Against | undefined {
  let within = type
  let rest = path
  let last: Extract<ProtoField, { field: unknown }> | undefined
  for (const step of stepsOf(type, path)) {
    if ('against' in step) return { allowed: step.against, isAbsent: false }
    if (step.field.map) return { allowed: 'another field: maps are not read', isAbsent: false }
    last = step
    rest = step.rest
    if (step.message !== undefined) within = step.message
    else if (rest.length > 0) return { allowed: `another path: ${step.field.name} is no message`, isAbsent: false }
  }
  const [name] = rest
  if (name !== undefined) {
    const known = Object.keys(within.fields)
    const meant = nearest(name, known)
    const words = meant === undefined ? `one of ${known.join(', ')}` : `did you mean ${meant}?`
    return { allowed: `a field of ${within.fullName.slice(1)}: ${words}`, isAbsent: true }
  }
  const allowed = last && unfit(last, path, expected)
  return allowed === undefined ? undefined : { allowed, isAbsent: false }
}

/** What a field should be that is not what is expected. */
function unfit(
  { field, message }: Extract<ProtoField, { field: unknown }>,
  path: Path,
  expected: Asked['expected'],
): string | undefined {
  const isList = field.repeated && !isIndex(path.at(-1))
  if (expected === 'list') return isList ? undefined : 'a repeated field'
  if (expected === 'text') return field.type === 'string' && !isList ? undefined : 'a string'
  if (expected === 'time' && message !== undefined && WELL_KNOWN.get(message.fullName)?.isTime)
    return 'nothing as the unit: a Timestamp has its own'
  if (expected === 'number' && (field.type === 'bytes' || message?.fullName === '.google.protobuf.BytesValue'))
    return 'it with decimal, which says how its bytes are a number'
  if (expected === 'optional' && !field.hasPresence)
    return 'equals: the field has a value in each record, for its schema cannot say that it is absent'
  return undefined
}

export function isListAt(type: MessageType, path: Path): boolean {
  const last = [...stepsOf(type, path)].at(-1)
  return last !== undefined && 'field' in last && last.rest.length === 0 && last.field.repeated && !isIndex(path.at(-1))
}
