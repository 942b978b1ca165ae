import { parsedJson } from '../../schemas/json/rounding.ts'
import { shown } from '../../schemas/json-value.ts'
import { namesOf, updatesOf } from '../../schemas/price-object.ts'
import { type Refused, refused } from '../../schemas/refusal.ts'
import type { KafkaRecord } from '../kafka-record.ts'
import { FieldReader } from './field-reader.ts'
import { type Decoded, SKIPPED } from './format.ts'
import { holds } from './holds.ts'
import type { Condition, Mapping } from './mapping/mapping.ts'
import { withPlace } from './mapping/taken-from.ts'
import { type Path, valueAt } from './path.ts'
import type { Scope, TopicGroups } from './scope.ts'

export type ParsedText = { readonly value: unknown } | { readonly skips: true } | Refused

/** The items of a record, or the reason why there are none. */
type Found =
  | { readonly items: readonly unknown[]; readonly around: readonly unknown[] }
  | { readonly at: unknown; readonly around: readonly unknown[]; readonly against: Refused }

/**
 * What a mapping makes of records whose values are objects, however they were written. The updates pass the checks of our
 * own format, so a foreign record gets nothing past them.
 */
export class MappedReader {
  readonly #mapping: Mapping
  readonly #groups: TopicGroups
  readonly #fields: FieldReader
  /** The conditions on items. One that asks for the list itself, or what leads to it, is on the record. */
  readonly #skipItems: readonly Condition[]
  readonly #deleteItems: readonly Condition[]

  constructor(mapping: Mapping, groups: TopicGroups) {
    this.#groups = groups
    this.#mapping = mapping
    this.#fields = new FieldReader(mapping)
    this.#skipItems = mapping.skip.filter((condition) => !this.#isStructural(condition))
    this.#deleteItems = mapping.delete.filter((condition) => !this.#isStructural(condition))
  }

  /** `root`: the value of the record. */
  read(record: KafkaRecord, root: unknown): Decoded {
    const found = this.#find(root)
    if (found === undefined) return SKIPPED
    if (!('items' in found)) return this.#stopped(found)
    const { items, around } = found
    if (items.length === 0 || this.#isAnyAround(this.#mapping.skip, around)) return SKIPPED
    return this.#readItems(items, { around, record })
  }

  #readItems(items: readonly unknown[], { around, record }: Pick<Scope, 'around' | 'record'>): Decoded {
    const areDeleted = this.#isAnyAround(this.#mapping.delete, around)
    const updates: unknown[] = []
    const deleted: unknown[] = []
    let skipped = 0
    for (const [index, item] of items.entries()) {
      const scope = { item, around, record, groups: this.#groups }
      if (this.#skipItems.some((condition) => holds(condition, item, around))) {
        skipped++
        continue
      }
      const isDeleted = areDeleted || this.#deleteItems.some((condition) => holds(condition, item, around))
      const read = isDeleted ? this.#fields.names(scope) : this.#fields.update(scope)
      if (read.against !== undefined) return at(read.against, index)
      ;(isDeleted ? deleted : updates).push(read.fields)
    }
    if (deleted.length > 0) return this.#deletions(deleted, updates.length, skipped)
    if (updates.length === 0) return { ...SKIPPED, skipped }
    const checked = updatesOf(updates, { isSigned: this.#mapping.signed, hasExtra: this.#mapping.extra.length > 0 })
    if (!checked.ok) return withPlace(checked, this.#mapping)
    return { ok: true, updates: checked.updates, deleted: [], skipped, rounded: checked.rounded ?? 0 }
  }

  #deletions(pairs: readonly unknown[], updates: number, skipped: number): Decoded {
    if (updates > 0) return refused('wrong-type', 'expected updates or deletions, got a record with both')
    const deleted = []
    for (const [index, pair] of pairs.entries()) {
      const names = namesOf(pair as object, index)
      if ('ok' in names) return withPlace(names, this.#mapping)
      deleted.push(names)
    }
    return { ok: true, updates: [], deleted, skipped, rounded: 0 }
  }

  /** A record without a value delists its pair, if key, topic or headers name it. */
  tombstone(record: KafkaRecord): Decoded {
    const { fields, against } = this.#fields.names({ item: undefined, around: [], record, groups: this.#groups })
    if (against !== undefined) return SKIPPED
    const names = namesOf(fields)
    if (!('ok' in names)) return { ok: true, updates: [], deleted: [names], skipped: 0, rounded: 0 }
    return names.reason === 'missing-pair' || names.reason === 'missing-chain' ? SKIPPED : names
  }

  /** The value of a text of JSON, or whether the mapping skips what is none. */
  parsed(text: string): ParsedText {
    try {
      return { value: parsedJson(text, this.#fields.numberNames) }
    } catch (cause) {
      if (this.#mapping.skip.some((condition) => 'text' in condition && condition.text === text.trim()))
        return { skips: true }
      return refused('not-json', cause instanceof Error ? cause.message : String(cause))
    }
  }

  /** Goes from the record to its items. Undefined if a text on the way is to be skipped. */
  #find(root: unknown): Found | undefined {
    const { record, text, updates } = this.#mapping
    let current = root
    let around: readonly unknown[] = []
    if (record.length > 0) {
      const inner = record
        .map((path) => valueAt(root, path))
        .find((value) => typeof value === 'object' && value !== null)
      if (inner === undefined) return { at: root, around, against: missing('an object', record[0], undefined) }
      around = [root]
      current = inner
    }
    if (text !== undefined) {
      const inner = valueAt(current, text)
      if (typeof inner !== 'string') return { at: current, around, against: missing('a text', text, inner) }
      const parsed = this.parsed(inner)
      if ('skips' in parsed) return undefined
      if ('ok' in parsed) return { at: current, around, against: parsed }
      around = [current, ...around]
      current = parsed.value
    }
    if (updates === undefined) return { items: Array.isArray(current) ? current : [current], around }
    const list = valueAt(current, updates)
    if (!Array.isArray(list)) return { at: current, around, against: missing('a list', updates, list) }
    return { items: list, around: [current, ...around] }
  }

  #stopped({ at: value, around, against }: Extract<Found, { at: unknown }>): Decoded {
    if (this.#isAnyAround(this.#mapping.skip, [value, ...around])) return SKIPPED
    // Nobody knows what a text lacks that is no JSON.
    const isKnown = against.reason !== 'not-json'
    return isKnown && this.#mapping.skip.some((condition) => holds(condition, value, around)) ? SKIPPED : against
  }

  /** Whether a condition holds for one of the records around the items. That something is absent there says nothing. */
  #isAnyAround(conditions: readonly Condition[], around: readonly unknown[]): boolean {
    return conditions.some(
      (condition) =>
        'test' in condition &&
        !condition.isOuter &&
        condition.test.kind !== 'absent' &&
        around.some((value) => holds(condition, value, [])),
    )
  }

  #isStructural(condition: Condition): boolean {
    if (!('test' in condition) || condition.test.kind !== 'absent') return false
    const { record, text, updates } = this.#mapping
    const path = condition.path.join('\0')
    return [...record, text, updates].some((each) => each?.join('\0') === path)
  }
}

function missing(expected: string, path: Path | undefined, got: unknown): Refused {
  return refused('wrong-type', `${path?.join('.')}: expected ${expected}, got ${shown(got)}`)
}

function at(against: Refused, index: number): Refused {
  return { ...against, detail: `update ${index}: ${against.detail}` }
}
