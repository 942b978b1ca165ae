import { isObject } from '../../../schemas/json-value.ts'
import { type Path, valueAt } from '../path.ts'
import { pathText, sampleOf } from './leaves.ts'

/** A place in records where updates could be. */
export interface Shape {
  readonly record?: readonly string[]
  readonly text?: string
  readonly updates?: string
  readonly items: readonly unknown[]
  /** For each item the records around it, the innermost first. */
  readonly around: readonly (readonly unknown[])[]
  /** How many records have items. */
  readonly records: number
  /** The records that have no item. */
  readonly others: readonly unknown[]
}

const MAX_DEPTH = 3
const MAX_SHAPES = 20
/** The object after a change, and before it, as tools that follow databases write them. */
const CHANGES: readonly Path[] = [['payload', 'after'], ['after'], ['payload', 'before'], ['before']]

/** The places in the records that could hold updates: they themselves, lists in them, JSON in their texts. */
export function shapesOf(records: readonly unknown[]): readonly Shape[] {
  const isChange = (record: unknown) => CHANGES.slice(0, 2).some((path) => isObject(valueAt(record, path)))
  if (records.filter(isChange).length >= records.length / 2) return [changeShape(records)]
  const none = records.map(() => [])
  const shapes: Shape[] = [shapeOf({}, records, none, (record) => record), ...listShapes({}, records, none)]
  for (const path of textPaths(records)) {
    const inner = records.map((record) => parsed(valueAt(record, path)))
    const around = records.map((record) => [record])
    const at = { text: pathText(path) }
    shapes.push(
      shapeOf(at, inner, around, (value) => value),
      ...listShapes(at, inner, around),
    )
  }
  return shapes.slice(0, MAX_SHAPES)
}

type Place = Pick<Shape, 'record' | 'text' | 'updates'>

/** `of`: the item or the list of items in a record; undefined if there is none. */
function shapeOf(
  place: Place,
  records: readonly unknown[],
  around: readonly (readonly unknown[])[],
  of: (record: unknown) => unknown,
): Shape {
  const items: unknown[] = []
  const arounds: (readonly unknown[])[] = []
  const others: unknown[] = []
  for (const [at, record] of records.entries()) {
    const found = of(record)
    const list = Array.isArray(found) ? found : found === undefined ? [] : [found]
    if (list.length === 0) others.push(record ?? around[at]?.[0])
    items.push(...list)
    const inner = around[at] ?? []
    for (const _ of list) arounds.push(found === record ? inner : [record, ...inner])
  }
  return { ...place, items, around: arounds, records: records.length - others.length, others }
}

function changeShape(records: readonly unknown[]): Shape {
  const used = CHANGES.filter((path) => records.some((record) => isObject(valueAt(record, path))))
  const of = (record: unknown) => used.map((path) => valueAt(record, path)).find(isObject)
  return shapeOf(
    { record: used.map(pathText) },
    records,
    records.map(() => []),
    of,
  )
}

function listShapes(at: Place, records: readonly unknown[], around: readonly (readonly unknown[])[]): readonly Shape[] {
  const paths = new Map<string, Path>()
  for (const record of records) for (const path of listPaths(record, [])) paths.set(pathText(path), path)
  return [...paths].map(([updates, path]) => {
    const of = (record: unknown) => {
      const list = valueAt(record, path)
      return Array.isArray(list) ? list : undefined
    }
    return shapeOf({ ...at, updates }, records, around, of)
  })
}

/** The paths to lists of objects. In a list of objects, only the first is looked into. */
function* listPaths(value: unknown, path: Path): Iterable<Path> {
  if (path.length > MAX_DEPTH) return
  if (Array.isArray(value)) {
    if (path.length > 0 && isObject(value[0])) yield path
    if (isObject(value[0])) yield* listPaths(value[0], [...path, '0'])
    return
  }
  if (isObject(value)) for (const [name, inner] of Object.entries(value)) yield* listPaths(inner, [...path, name])
}

/** The fields of the records that hold JSON in a text. */
function textPaths(records: readonly unknown[]): readonly Path[] {
  const names = new Set(records.flatMap((record) => (isObject(record) ? Object.keys(record) : [])))
  return [...names]
    .filter((name) => {
      const texts = records.map((record) => valueAt(record, [name])).filter((value) => typeof value === 'string')
      return texts.length > 0 && texts.filter((text) => parsed(text) !== undefined).length >= texts.length / 2
    })
    .map((name) => [name])
}

function parsed(text: unknown): unknown {
  if (typeof text !== 'string' || !/^\s*[[{]/.test(text)) return undefined
  try {
    return sampleOf(text)
  } catch {
    return undefined
  }
}
