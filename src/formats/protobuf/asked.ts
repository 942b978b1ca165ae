import type { Condition, Mapping, NameOf, NumberOf, Place, TimeOf } from '../mapping/mapping.ts'
import type { Path } from '../path.ts'

/** Stands for each of a list. */
export const EACH = '*'

/** What is expected at a path: a text of JSON, a list, a time that needs a unit, a number, a value that can be absent, or any. */
type Expected = 'text' | 'list' | 'time' | 'number' | 'optional' | 'any'

/** What a mapping asks of a message. One of the paths must be there. */
export interface Asked {
  /** The key of the mapping. */
  readonly key: string
  readonly paths: readonly Path[]
  readonly expected: Expected
  /** It may be meant for what a text of JSON holds, which nobody knows before. */
  readonly mayLack?: boolean
  /** Texts that a condition compares the value with. */
  readonly equals: readonly string[]
}

/** All paths that a mapping follows in a message. `isList`: whether a path leads to a list. */
export function askedBy(mapping: Mapping, isList: (path: Path) => boolean): readonly Asked[] {
  const { record, text, updates, fields, extra, skip, delete: deletes } = mapping
  const inner: readonly Path[] = record.length === 0 ? [[]] : record
  const isAround = text !== undefined || updates !== undefined
  const around = [...(record.length === 0 ? [] : [[]]), ...(isAround ? inner : [])]
  const lists = updates === undefined ? inner : below(inner, updates)
  // What a text of JSON holds is nothing of the message.
  const items = text === undefined ? lists.map((path) => (isList(path) ? [...path, EACH] : path)) : []

  const asked: Asked[] = record.map((path) => ({ key: 'record', paths: [path], expected: 'any', equals: [] }))
  if (text !== undefined) asked.push({ key: 'text', paths: below(inner, text), expected: 'text', equals: [] })
  else if (updates !== undefined) asked.push({ key: 'updates', paths: lists, expected: 'list', equals: [] })
  const ask = (key: string, place: Place, expected: Expected) => {
    if (place.from === 'item') asked.push({ key, paths: below(items, place.path), expected, equals: [] })
    else if (place.from === 'outer') asked.push({ key, paths: below(around, place.path), expected, equals: [] })
  }
  for (const [key, of] of Object.entries(fields))
    for (const { place, expected } of placesOf(of)) ask(key, place, expected)
  for (const [name, place] of extra) ask(`extra.${name}`, place, 'any')
  for (const [key, conditions] of Object.entries({ skip, delete: deletes }))
    for (const condition of conditions) {
      if (!('test' in condition)) continue
      const bases = condition.isOuter ? around : [...items, ...around]
      const mayLack = text !== undefined && !condition.isOuter
      const { test } = condition
      const equals = test.kind === 'equals' && typeof test.value === 'string' ? [test.value] : []
      asked.push({ key, paths: below(bases, condition.path), expected: expectedBy(condition), mayLack, equals })
    }
  return asked.filter(({ paths }) => paths.length > 0)
}

function below(bases: readonly Path[], path: Path): readonly Path[] {
  return bases.map((base) => [...base, ...path])
}

function placesOf(of: NameOf | NumberOf | TimeOf): readonly { readonly place: Place; readonly expected: Expected }[] {
  if ('unit' in of) return [{ place: of.place, expected: of.isUnitGiven ? 'time' : 'any' }]
  if (!('mid' in of) && !('integer' in of)) return [{ place: of.place, expected: 'any' }]
  return ('mid' in of ? of.mid : [of]).flatMap(({ place, exponent, integer }) => [
    { place, expected: integer === 'base64' ? ('any' as const) : ('number' as const) },
    ...(exponent === undefined ? [] : [{ place: { from: 'item' as const, path: exponent }, expected: 'any' as const }]),
  ])
}

function expectedBy({ test }: Extract<Condition, { test: unknown }>): Expected {
  return test.kind === 'exists' || test.kind === 'absent' ? 'optional' : 'any'
}
