import { type Mapping, NAMES, NUMBERS, type NumberOf, type Place } from '../mapping/mapping.ts'
import type { Path } from '../path.ts'

/** The parts of a value that a mapping asks for. */
export interface Wanted {
  readonly members: Map<string, Wanted>
  /** The parts of each item, if it is a list. */
  items: Wanted | undefined
  /** The mapping says how its bytes or its time are to be understood; the schema does not. */
  isRaw: boolean
  /** It is to be a number, and the mapping does not say that its bytes are one. */
  isNumber: boolean
}

function nothingWanted(): Wanted {
  return { members: new Map(), items: undefined, isRaw: false, isNumber: false }
}

/** Rather more than is needed: each path may count in the record, in what is in it, and in the items. */
export function wantedBy(mapping: Mapping): Wanted {
  const root = nothingWanted()
  const inner = mapping.record.length === 0 ? [root] : mapping.record.map((path) => add(root, path))
  const lists = mapping.updates === undefined ? inner : inner.map((each) => add(each, mapping.updates ?? []))
  const items = lists.map((list) => {
    list.items ??= nothingWanted()
    return list.items
  })
  const asked = pathsOf(mapping)
  for (const base of new Set([root, ...inner, ...items]))
    for (const { path, isRaw = false, isNumber = false } of asked) {
      const wanted = add(base, path)
      wanted.isRaw ||= isRaw
      wanted.isNumber ||= isNumber
    }
  return root
}

/** The parts that one of two asks for: an item by itself, and each of its list. */
export function both(one: Wanted, other: Wanted | undefined): Wanted {
  if (other === undefined) return one
  const members = new Map(other.members)
  for (const [name, wanted] of one.members) members.set(name, both(wanted, members.get(name)))
  const items = one.items === undefined ? other.items : both(one.items, other.items)
  return { members, items, isRaw: one.isRaw || other.isRaw, isNumber: one.isNumber || other.isNumber }
}

function add(from: Wanted, path: Path): Wanted {
  let at = from
  for (const name of path) {
    const next = at.members.get(name) ?? nothingWanted()
    at.members.set(name, next)
    at = next
  }
  return at
}

interface Asked {
  readonly path: Path
  readonly isRaw?: boolean
  readonly isNumber?: boolean
}

function pathsOf({ fields, extra, text, skip, delete: deletes }: Mapping): readonly Asked[] {
  const of = (place: Place, as: Omit<Asked, 'path'> = {}): Asked[] =>
    'path' in place ? [{ path: place.path, ...as }] : []
  const ofNumber = (number: NumberOf): Asked[] =>
    'mid' in number
      ? number.mid.flatMap(ofNumber)
      : [
          ...of(number.place, number.integer === 'base64' ? { isRaw: true } : { isNumber: true }),
          ...(number.exponent === undefined ? [] : [{ path: number.exponent }]),
        ]
  const { eventTimeMs: time } = fields
  return [
    ...NAMES.flatMap((name) => (fields[name] === undefined ? [] : of(fields[name].place))),
    ...NUMBERS.flatMap((name) => (fields[name] === undefined ? [] : ofNumber(fields[name]))),
    ...(time === undefined ? [] : of(time.place, { isRaw: time.isUnitGiven })),
    ...extra.flatMap(([, place]) => of(place)),
    ...[...skip, ...deletes].flatMap((condition) => ('test' in condition ? [{ path: condition.path }] : [])),
    ...(text === undefined ? [] : [{ path: text }]),
  ]
}
