import { isObject } from '../../../schemas/json-value.ts'
import { pathOf } from '../path.ts'
import { type Leaf, leavesOf, numberIn } from './leaves.ts'
import { areIntegers, areNames, areNumbers, candidatesOf } from './roles.ts'
import { timesBack } from './sequence-role.ts'
import type { Shape } from './shapes.ts'
import { skipsOf } from './skips.ts'
import { type Timed, unitOf } from './time-role.ts'

export interface Proposed {
  readonly mapping: Readonly<Record<string, unknown>> | undefined
  readonly fields: readonly { readonly field: string; readonly from: string; readonly examples: readonly string[] }[]
  readonly unsure: readonly string[]
  /** The roles for which no field was found. */
  readonly missing: readonly string[]
}

export interface Known {
  readonly topic: string
  readonly nearMs: number
  readonly areTimed: boolean
  /** Whether the keys could be names. */
  readonly hasKeys: boolean
  readonly skipTexts: readonly object[]
}

type Leaves = ReadonlyMap<string, Leaf>
const SHOWN = 3
/** A quote's sides are not further apart, in parts of the price; quantities are. */
const MOST_SPREAD = 0.2

/** The mapping that fits the items of a shape, if they have a pair, a price and a time. */
export function mappingOf(shape: Shape, known: Known): Proposed {
  const leaves = leavesOf(shape.items)
  const outers = leavesOf(shape.around.map((around) => around[0]))
  const fields: Proposed['fields'][number][] = []
  const unsure: string[] = []
  const missing: string[] = []
  const mapping: Record<string, unknown> = {}
  const used = new Set<string>()
  const take = (field: string, value: unknown, leaf: Leaf | undefined, from = leaf?.path ?? '') => {
    mapping[field] = value
    if (leaf !== undefined) used.add(leaf.path)
    fields.push({ field, from, examples: examplesOf(leaf) })
  }
  takePair(leaves, known, take) || missing.push('a pair')
  takeChain(leaves, outers, known, take)
  const price = takePrice(leaves, take)
  if (isObject(mapping.price)) takeZero(price ?? [], { leaves, mapping, unsure })
  if (price === undefined) missing.push('a price')
  const timed = { ...known, records: shape.records }
  for (const leaf of [...leaves.values()].filter(({ path }) => price?.includes(path)))
    if (unitOf(leaf, timed) !== undefined) unsure.push(`${leaf.path}: a price? its numbers look like times`)
  const time = takeTime(new Map([...leaves].filter(([path]) => !used.has(path))), outers, timed, take)
  if (time === undefined)
    unsure.push('no field is a time about that at which Kafka got the records: that of Kafka is taken')
  const names = [mapping.pair, mapping.chain].filter((path) => typeof path === 'string')
  takeSequence(leaves, new Set([...(price ?? []), time]), { items: shape.items, names, take, unsure })
  if (missing.length > 0 || price === undefined) return { mapping: undefined, fields, unsure, missing }
  const { record, text, updates } = shape
  const skip = [...known.skipTexts, ...skipsOf(shape, price, used)]
  const place = { ...(record && { record }), ...(text && { text }), ...(updates && { updates }) }
  return { mapping: { ...place, ...mapping, ...(skip.length > 0 && { skip }) }, fields, unsure, missing }
}

type Take = (field: string, value: unknown, leaf: Leaf | undefined, from?: string) => void

function takePair(leaves: Leaves, { hasKeys }: Known, take: Take): boolean {
  const [pair] = candidatesOf('pair', leaves.values(), areNames)
  if (pair !== undefined) take('pair', pair.path, pair)
  else if (hasKeys) take('pair', { key: true }, undefined, 'the key')
  else return false
  return true
}

function takeChain(leaves: Leaves, outers: Leaves, { topic }: Known, take: Take): void {
  const used = (leaf: Leaf) => new Set(leaf.values).size < Math.max(2, leaf.values.length / 2)
  const isChain = (leaf: Leaf) => areNames(leaf) && used(leaf)
  const [inner] = candidatesOf('chain', leaves.values(), isChain)
  const [outer] = candidatesOf('chain', outers.values(), isChain)
  if (inner !== undefined) take('chain', inner.path, inner)
  else if (outer !== undefined) take('chain', { outer: outer.path }, outer, `${outer.path} of the record around it`)
  else take('chain', { const: topic.split('.').at(-1) ?? topic }, undefined, 'the last part of the topic’s name')
}

/** Returns the paths of the leaves that it takes; undefined if there is no price. */
function takePrice(leaves: Leaves, take: Take): readonly string[] | undefined {
  const [price] = candidatesOf('price', leaves.values(), areNumbers)
  const [bid, ask] = sidesOf(leaves)
  const isPlain = price !== undefined && price.name.length > 1
  if (bid === undefined || ask === undefined) {
    if (price === undefined) return undefined
    take('price', price.path, price)
    return [price.path]
  }
  if (isPlain) take('price', price.path, price)
  else take('price', { mid: [bid.path, ask.path] }, undefined, `the middle of ${bid.path} and ${ask.path}`)
  take('bid', bid.path, bid)
  take('ask', ask.path, ask)
  return isPlain ? [price.path] : [bid.path, ask.path]
}

/** A side of 0 is no quote, and half of the other side no price. */
function takeZero(
  sides: readonly string[],
  { leaves, mapping, unsure }: { leaves: Leaves; mapping: Record<string, unknown>; unsure: string[] },
): void {
  for (const side of sides) {
    const zeros = leaves.get(side)?.values.filter((value) => numberIn(value) === 0).length ?? 0
    if (zeros === 0) continue
    mapping.zero = 'absent'
    unsure.push(`${side}: no quote where it is 0? It is, in ${zeros} of the records, which are refused`)
  }
}

/** A bid and an ask whose values are close, the bid not above the ask. */
function sidesOf(leaves: Leaves): readonly [Leaf?, Leaf?] {
  for (const bid of candidatesOf('bid', leaves.values(), areNumbers))
    for (const ask of candidatesOf('ask', leaves.values(), areNumbers)) {
      const length = Math.min(bid.values.length, ask.values.length)
      let fit = 0
      for (let at = 0; at < length; at++) {
        const [low = 0, high = 0] = [numberIn(bid.values[at]), numberIn(ask.values[at])]
        if (low > 0 && high >= low && high - low <= high * MOST_SPREAD) fit++
      }
      if (fit >= length * 0.9) return [bid, ask]
    }
  return []
}

function takeTime(leaves: Leaves, outers: Leaves, known: Timed, take: Take): string | undefined {
  const fits = (leaf: Leaf) => unitOf(leaf, known) !== undefined
  const [inner = [...leaves.values()].find(fits)] = candidatesOf('time', leaves.values(), fits)
  const [outer = [...outers.values()].find(fits)] = candidatesOf('time', outers.values(), fits)
  const leaf = inner ?? outer
  if (leaf === undefined) {
    take('eventTimeMs', { timestamp: true }, undefined, 'the time that Kafka has')
    return undefined
  }
  const unit = unitOf(leaf, known)
  const place = leaf === inner ? { path: leaf.path } : { outer: leaf.path }
  const from = leaf === inner ? leaf.path : `${leaf.path} of the record around it`
  take('eventTimeMs', unit === 'ms' && leaf === inner ? leaf.path : { ...place, unit }, leaf, `${from}, in ${unit}`)
  return leaf.path
}

interface Sequenced {
  readonly items: readonly unknown[]
  /** The paths of the names in the items. */
  readonly names: readonly string[]
  readonly take: Take
  readonly unsure: string[]
}

function takeSequence(
  leaves: Leaves,
  used: ReadonlySet<string | undefined>,
  { items, names, take, unsure }: Sequenced,
): void {
  const [sequence] = candidatesOf('sequence', leaves.values(), (leaf) => areIntegers(leaf) && !used.has(leaf.path))
  if (sequence === undefined) return
  const back = timesBack(
    items,
    pathOf(sequence.path) ?? [],
    names.map((name) => pathOf(name) ?? []),
  )
  if (back === 0) take('sequence', sequence.path, sequence)
  else unsure.push(`${sequence.path}: a sequence? it went back ${back === 1 ? 'once' : `${back} times`}`)
}

function examplesOf(leaf: Leaf | undefined): readonly string[] {
  return [...new Set((leaf?.values ?? []).map(shownIn))].slice(0, SHOWN)
}

/** A long integer that a double holds has more digits than JavaScript writes of it. */
function shownIn(value: Leaf['values'][number]): string {
  return Number.isInteger(value) ? `${BigInt(value as number)}` : `${value}`
}
