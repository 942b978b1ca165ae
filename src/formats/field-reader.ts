import { isUtf8 } from 'node:buffer'
import { shown } from '../../schemas/json-value.ts'
import { type PriceRefusal, type Refused, refused } from '../../schemas/refusal.ts'
import { integerOfBase64, integerOfHex, isDecimal, middleOf, shifted } from './decimal.ts'
import { outerAt } from './holds.ts'
import {
  type Mapping,
  NAMES,
  type NameOf,
  NUMBERS,
  type NumberOf,
  type Place,
  type PlainNumber,
  type TimeOf,
} from './mapping/mapping.ts'
import { type Path, valueAt } from './path.ts'
import type { Scope } from './scope.ts'
import { msOf } from './time.ts'

/** The fields of an update, as they are given to the checks, or a reason against them. */
export interface ReadFields {
  readonly fields: Readonly<Record<string, unknown>>
  readonly against?: Refused
}

interface NumberRules {
  readonly isZeroAbsent: boolean
  readonly isSigned: boolean
}

const OF_SEQUENCES: NumberRules = { isZeroAbsent: false, isSigned: false }

/** A value that cannot be what it should be. */
class Fault {
  readonly against: Refused

  constructor(detail: string, reason: PriceRefusal = 'wrong-type') {
    this.against = refused(reason, detail)
  }
}

/** Reads the fields of updates from foreign records. */
export class FieldReader {
  readonly #names: readonly (readonly [field: string, of: NameOf])[]
  readonly #numbers: readonly (readonly [field: string, of: NumberOf])[]
  readonly #time: TimeOf | undefined
  readonly #rules: NumberRules
  readonly #extra: Mapping['extra']
  /** The last names of the paths that lead to numbers, or to what is kept as it is. */
  readonly numberNames: ReadonlySet<string>

  constructor({ fields, zeroIsAbsent, signed, extra }: Mapping) {
    this.#names = NAMES.flatMap((name) => (fields[name] === undefined ? [] : [[name, fields[name]] as const]))
    this.#numbers = NUMBERS.flatMap((name) => (fields[name] === undefined ? [] : [[name, fields[name]] as const]))
    this.#time = fields.eventTimeMs
    this.#rules = { isZeroAbsent: zeroIsAbsent, isSigned: signed }
    this.#extra = extra
    const places = [
      ...this.#numbers.flatMap(([, of]) => placesOf(of)),
      ...(this.#time ? [this.#time.place] : []),
      ...extra.map(([, place]) => place),
    ]
    this.numberNames = new Set(places.flatMap((place) => ('path' in place ? place.path.slice(-1) : [])))
  }

  update(scope: Scope): ReadFields {
    const fields: Record<string, unknown> = {}
    for (const [field, of] of this.#names) fields[field] = nameIn(scope, of)
    // A text that is not written in Protobuf is empty.
    if (fields.group === '') fields.group = undefined
    for (const [field, of] of this.#numbers) {
      const value = numberIn(scope, of, field === 'sequence' ? OF_SEQUENCES : this.#rules)
      if (value instanceof Fault)
        return { fields, against: { ...value.against, detail: `${field}: ${value.against.detail}` } }
      fields[field] = value
    }
    const time = this.#time === undefined ? undefined : timeIn(scope, this.#time)
    if (typeof time === 'object') return { fields, against: time }
    fields.eventTimeMs = time
    if (this.#extra.length > 0)
      fields.extra = Object.fromEntries(this.#extra.map(([name, place]) => [name, valueIn(scope, place)]))
    return { fields }
  }

  /** The pair and its chain alone. */
  names(scope: Scope): ReadFields {
    return { fields: Object.fromEntries(this.#names.map(([field, of]) => [field, nameIn(scope, of)])) }
  }
}

function placesOf(of: NumberOf): readonly Place[] {
  return 'mid' in of ? of.mid.map(({ place }) => place) : [of.place]
}

function valueIn({ item, around, record, groups }: Scope, place: Place): unknown {
  switch (place.from) {
    case 'item':
      return valueAt(item, place.path)
    case 'outer':
      return outerAt(around, place.path)
    case 'const':
      return place.value
    case 'topic':
      return place.group === '' ? record.topic : groups[place.group]
    case 'key':
      return textOf(record.key)
    case 'header':
      return textOf(record.headers.find(([name]) => name === place.name)?.[1])
    case 'timestamp':
      return record.timestampMs
  }
}

/** Bytes that are no UTF-8 are no name. */
function textOf(bytes: Buffer | undefined): string | undefined {
  return bytes !== undefined && isUtf8(bytes) ? bytes.toString('utf8') : undefined
}

function nameIn(scope: Scope, { place, case: toCase, aliases }: NameOf): unknown {
  const value = valueIn(scope, place)
  const name = typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value
  if (typeof name !== 'string') return name
  const folded = toCase === undefined ? name : toCase === 'upper' ? name.toUpperCase() : name.toLowerCase()
  return aliases.size === 0 ? folded : (aliases.get(folded) ?? folded)
}

/** Undefined if the number is absent. What is no number is left to the checks. A middle needs both its sides. */
function numberIn(scope: Scope, of: NumberOf, rules: NumberRules): unknown {
  const { isZeroAbsent, isSigned } = rules
  if (!('mid' in of)) {
    const value = plainNumberIn(scope, of)
    return isZeroAbsent && isZero(value) ? undefined : value
  }
  const bid = numberIn(scope, of.mid[0], rules)
  const ask = numberIn(scope, of.mid[1], rules)
  if (bid instanceof Fault) return bid
  if (ask instanceof Fault) return ask
  if (bid === undefined || ask === undefined) return undefined
  const middle = middleOf(bid, ask)
  if (middle === undefined) return new Fault(`expected two numbers, got ${shown(bid)} and ${shown(ask)}`)
  if (!isSigned && (Number(bid) < 0 || Number(ask) < 0))
    return new Fault(`price: expected two numbers of at least 0, got ${shown(bid)} and ${shown(ask)}`, 'negative')
  return isZeroAbsent && middle === 0 ? undefined : middle
}

function plainNumberIn(scope: Scope, { place, integer, scale, exponent }: PlainNumber): unknown {
  const came = valueIn(scope, place)
  if (came === undefined || came === null || came === '') return undefined
  const value = integer === undefined ? came : integer === 'base64' ? integerOfBase64(came) : integerOfHex(came)
  if (value === undefined) return new Fault(`expected an integer in ${integer}, got ${shown(came)}`)
  const shift = exponent === undefined ? 0 : exponentAt(scope.item, exponent)
  if (typeof shift !== 'number') return shift
  return shifted(value, shift - scale) ?? new Fault(`expected a number of fewer digits, got ${shown(value)}`)
}

const WHOLE = /^[+-]?\d+$/

function exponentAt(item: unknown, path: Path): number | Fault {
  const value = valueAt(item, path)
  const exponent = typeof value === 'string' && WHOLE.test(value) ? Number(value) : value
  if (typeof exponent === 'number' && Number.isInteger(exponent)) return exponent
  return new Fault(`${path.join('.')}: expected a whole number as the exponent, got ${shown(value)}`)
}

function timeIn(scope: Scope, { place, unit }: TimeOf): number | Refused | undefined {
  const value = valueIn(scope, place)
  return value === undefined || value === null ? undefined : msOf(value, unit)
}

function isZero(value: unknown): boolean {
  return isDecimal(value) && Number(value) === 0
}
