import { parsedJson } from '../../../schemas/json/rounding.ts'
import { isObject } from '../../../schemas/json-value.ts'

/** What the samples have at one path. */
export interface Leaf {
  readonly path: string
  /** The last name of the path, in lower case, without signs between its words. */
  readonly name: string
  /** In how many of the items it is. */
  items: number
  readonly values: (string | number | boolean | null)[]
}

const MAX_DEPTH = 4
const MAX_LEAVES = 200

/** The values of items that are neither objects nor lists, by their paths. */
export function leavesOf(items: readonly unknown[]): ReadonlyMap<string, Leaf> {
  const leaves = new Map<string, Leaf>()
  const visit = (value: unknown, path: readonly string[]): void => {
    if (isObject(value)) {
      if (path.length >= MAX_DEPTH) return
      for (const [name, inner] of Object.entries(value)) visit(inner, [...path, name])
      return
    }
    if (Array.isArray(value) || path.length === 0) return
    const key = pathText(path)
    let leaf = leaves.get(key)
    if (leaf === undefined) {
      if (leaves.size >= MAX_LEAVES) return
      leaf = { path: key, name: wordsOf(path.at(-1) ?? ''), items: 0, values: [] }
      leaves.set(key, leaf)
    }
    leaf.items++
    leaf.values.push(value as Leaf['values'][number])
  }
  for (const item of items) visit(item, [])
  return leaves
}

const ALL_NAMES = { has: () => true }

/** As JSON.parse, but a number of more digits than a double holds stays a text: it is shown as it is in the record. */
export function sampleOf(text: string): unknown {
  return parsedJson(text, ALL_NAMES)
}

/** The path as a mapping has it. */
export function pathText(path: readonly string[]): string {
  if (path.every((name) => name !== '' && !name.includes('.') && !name.startsWith('/'))) return path.join('.')
  return path.map((name) => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

function wordsOf(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '')
}

const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/

/** The number that a value is or writes; undefined if none. */
export function numberIn(value: unknown): number | undefined {
  if (typeof value === 'number') return value
  return typeof value === 'string' && NUMBER.test(value) ? Number(value) : undefined
}

/** Whether nearly all of the leaf's values pass. Nulls and empty texts say nothing. */
export function areMostly(leaf: Leaf, passes: (value: Leaf['values'][number]) => boolean): boolean {
  const said = leaf.values.filter((value) => value !== null && value !== '')
  return said.length > 0 && said.filter(passes).length >= said.length * 0.95
}
