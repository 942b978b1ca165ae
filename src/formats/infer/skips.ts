import { type Path, pathOf, valueAt } from '../path.ts'
import { type Leaf, leavesOf } from './leaves.ts'
import type { Shape } from './shapes.ts'

const MOST_CONDITIONS = 5
/** A field that tells kinds of records apart has few values; a quantity has many. */
const MOST_KINDS = 8

/**
 * Conditions for the items that have no price, and for the records that have no item, and for no other. `used`: the fields of
 * an update, which tell no kinds apart: an item of a pair that lacks a price must not skip the pair for good.
 */
export function skipsOf(
  { items, around, others, updates, text }: Shape,
  pricePaths: readonly string[],
  used: ReadonlySet<string>,
): readonly object[] {
  const paths = pricePaths.map((path) => pathOf(path) ?? [])
  const isQuote = (item: unknown) => paths.every((path) => valueAt(item, path) !== undefined)
  const quotes = items.filter(isQuote)
  const records = new Set(around.flatMap((of, at) => (isQuote(items[at]) ? of.slice(0, 1) : [])))
  const ofItems = apart(
    items.filter((item) => !isQuote(item)),
    quotes,
    used,
  )
  const ofRecords = apart(others, records.size > 0 ? [...records] : quotes, used)
  const list = updates ?? text
  const lacks = list !== undefined && ofRecords.left.some((record) => valueAt(record, pathOf(list) ?? []) === undefined)
  const texts = text === undefined ? [] : innerTexts(ofRecords.left, pathOf(text) ?? [])
  return [...texts, ...ofItems.conditions, ...ofRecords.conditions, ...(lacks ? [{ path: list, absent: true }] : [])]
}

/** Conditions for the few texts that stand where others have JSON. A cut-off object is none of them: it is a fault. */
function innerTexts(records: readonly unknown[], path: Path): readonly object[] {
  const texts = new Set<string>()
  for (const record of records) {
    const text = valueAt(record, path)
    if (typeof text === 'string' && /^[^[{\d]/.test(text.trim())) texts.add(text.trim())
  }
  return texts.size > MOST_CONDITIONS ? [] : [...texts].map((text) => ({ text }))
}

interface Apart {
  readonly conditions: readonly object[]
  /** Those that meet none of the conditions. */
  readonly left: readonly unknown[]
}

/** Conditions that some values meet, and none of the quotes. */
function apart(values: readonly unknown[], quotes: readonly unknown[], used: ReadonlySet<string>): Apart {
  const ofQuotes = leavesOf(quotes)
  const conditions: object[] = []
  let left = values
  while (left.length > 0 && conditions.length < MOST_CONDITIONS) {
    const found = [...leavesOf(left).values()]
      .filter(({ path }) => !used.has(path))
      .map((leaf) => conditionOf(leaf, ofQuotes.get(leaf.path)))
      .filter((condition) => condition !== undefined)
      .sort((a, b) => b.items - a.items)[0]
    if (found === undefined) break
    conditions.push(found.condition)
    left = left.filter((item) => !found.holds(item))
  }
  return { conditions, left }
}

interface Found {
  readonly condition: object
  readonly items: number
  holds(item: unknown): boolean
}

function conditionOf({ path: text, items, values }: Leaf, ofQuotes: Leaf | undefined): Found | undefined {
  const path = pathOf(text) ?? []
  if (ofQuotes === undefined)
    return { condition: { path: text, exists: true }, items, holds: (item) => valueAt(item, path) !== undefined }
  if (new Set(ofQuotes.values).size > MOST_KINDS) return undefined
  const [value] = values
  const isTold = value !== undefined && values.every((each) => each === value) && !ofQuotes.values.includes(value)
  if (!isTold) return undefined
  return { condition: { path: text, equals: value }, items, holds: (item) => valueAt(item, path) === value }
}
