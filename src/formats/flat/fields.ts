import { NUMBER_FIELDS } from '../../../schemas/price-update.ts'
import type { Condition, Mapping, NameOf, NumberOf, Place } from '../mapping/mapping.ts'
import type { TopicGroups } from '../scope.ts'
import type { TimeUnit } from '../time.ts'
import type { RowFields } from './flat-row.ts'

/** What is done with the value of a key. */
export const SKIPPED_VALUE = 0
export const NUMBER = 1
export const NAME = 2
/** A key that a condition asks for: whether the record says something of prices is left to the exact reading. */
export const ASKED = 3

/** The fields of a mapping that names only members of a flat object; each value has a place of its own. */
export interface FlatFields extends RowFields {
  /** What the value of each key is, and its place. */
  readonly keys: ReadonlyMap<string, { readonly kind: number; readonly at: number }>
  /** Keys that must be there, because a condition asks for their absence. */
  readonly needed: readonly string[]
}

/** Milliseconds a unit, and units a millisecond. Whole nanoseconds are too large for a double. */
const FACTORS: Readonly<Partial<Record<TimeUnit, readonly [number, number]>>> = {
  ms: [1, 1],
  s: [1_000, 1],
  us: [1, 1_000],
}

/** How a mapping's records are read if they are flat; undefined if it says more than that can do. */
export function flatFieldsOf(mapping: Mapping, topic: string, groups: TopicGroups): FlatFields | undefined {
  const { record, text, updates, fields, extra, skip, delete: deletes } = mapping
  if (record.length > 0 || text !== undefined || updates !== undefined || extra.length > 0) return undefined
  const places = new Places(topic, groups)
  const { pair, chain, group, price, eventTimeMs: time, sequence } = fields
  if (pair === undefined || chain === undefined || price === undefined || time === undefined) return undefined
  const of = {
    pair: places.name(pair),
    chain: places.name(chain),
    group: group === undefined ? undefined : places.name(group),
    numbers: Int32Array.from(NUMBER_FIELDS, (field) =>
      places.number(field === 'price' && 'mid' in price ? undefined : fields[field]),
    ),
    mid: 'mid' in price ? ([places.number(price.mid[0]), places.number(price.mid[1])] as const) : undefined,
    sequence: places.number(sequence),
    time: places.value(time.place, NUMBER),
  }
  const needed = [...skip, ...deletes].map((condition) => places.ask(condition)).filter((key) => key !== undefined)
  const factors = FACTORS[time.unit]
  if (factors === undefined || places.isUnfit || typeof of.group === 'string') return undefined
  const [timeFactor, timeDivisor] = factors
  return { ...of, group: of.group, keys: places.keys, places: places.count, needed, timeFactor, timeDivisor }
}

/** Gives places to the values of keys. */
class Places {
  readonly keys = new Map<string, { kind: number; readonly at: number }>()
  readonly #topic: string
  readonly #groups: TopicGroups
  count = 0
  isUnfit = false

  constructor(topic: string, groups: TopicGroups) {
    this.#topic = topic
    this.#groups = groups
  }

  /** The name itself, if all records have the same, or the place of it. */
  name({ place, case: toCase, aliases }: NameOf): string | number {
    if (toCase !== undefined || aliases.size > 0) this.isUnfit = true
    if (place.from === 'const' && typeof place.value === 'string') return place.value
    if (place.from === 'topic') return (place.group === '' ? this.#topic : this.#groups[place.group]) ?? this.#unfit()
    return this.value(place, NAME)
  }

  number(of: NumberOf | undefined): number {
    if (of === undefined) return -1
    if ('mid' in of || of.integer !== undefined || of.scale !== 0 || of.exponent !== undefined) return this.#unfit()
    return this.value(of.place, NUMBER)
  }

  value(place: Place, kind: number): number {
    const [key] = place.from === 'item' && place.path.length === 1 ? place.path : []
    if (key === undefined) return this.#unfit()
    const known = this.keys.get(key)
    if (known !== undefined && known.kind !== kind) return this.#unfit()
    const at = known?.at ?? this.count++
    this.keys.set(key, { kind, at })
    return at
  }

  /** Returns the key that must be there for the condition not to hold. */
  ask(condition: Condition): string | undefined {
    if (!('test' in condition)) return undefined
    const { path, isOuter, test } = condition
    const [key, ...more] = path
    // Nothing is around a flat record.
    if (isOuter) {
      if (test.kind === 'absent') this.isUnfit = true
      return undefined
    }
    if (key === undefined || (more.length > 0 && test.kind === 'absent')) this.isUnfit = true
    if (test.kind === 'absent') return key
    if (key !== undefined) this.keys.set(key, { kind: ASKED, at: -1 })
    return undefined
  }

  #unfit(): number {
    this.isUnfit = true
    return -1
  }
}
