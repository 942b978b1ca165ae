import type { Path } from '../path.ts'
import type { TimeUnit } from '../time.ts'

/** A mapping of the settings that was checked: how the records of a topic become updates. */
export interface Mapping {
  readonly type: (typeof TYPES)[number]
  /** The place of the schemas by which the records are written. Undefined for JSON. */
  readonly schema: SchemaPlace | undefined
  /** The message of a Protobuf schema that the records are. */
  readonly message: string | undefined
  /** The object in the record; the first of the paths that leads to one. Empty: the record itself. */
  readonly record: readonly Path[]
  /** In that, a field whose text is JSON again. */
  readonly text: Path | undefined
  /** In that, the list whose items are updates. */
  readonly updates: Path | undefined
  readonly fields: Fields
  /** What is kept beside them, by the names that handlers see. */
  readonly extra: readonly (readonly [name: string, place: Place])[]
  /** Numbers below 0 are prices, too. */
  readonly signed: boolean
  /** A 0 says that there is no price. */
  readonly zeroIsAbsent: boolean
  readonly skip: readonly Condition[]
  readonly delete: readonly Condition[]
}

export const TYPES = ['json', 'avro', 'protobuf'] as const
/** Names our own format, for topics that a later pattern would take. */
export const OWN_TYPE = 'forewarm'

export type SchemaPlace =
  | { readonly from: 'registry' }
  | { readonly from: 'file'; readonly path: string; readonly text: string }

export const NAMES = ['pair', 'chain', 'group'] as const
export const NUMBERS = ['price', 'bid', 'ask', 'reserve0', 'reserve1', 'liquidity', 'sequence'] as const
export type NameField = (typeof NAMES)[number]
export type NumberField = (typeof NUMBERS)[number]

export type Fields = Readonly<Partial<Record<NameField, NameOf>>> &
  Readonly<Partial<Record<NumberField, NumberOf>>> & { readonly eventTimeMs?: TimeOf }

/** The place of a value. */
export type Place =
  | { readonly from: 'item'; readonly path: Path }
  /** In the records around the item, the innermost first. */
  | { readonly from: 'outer'; readonly path: Path }
  | { readonly from: 'const'; readonly value: string | number }
  /** A named group of the pattern of the topic's name; '': the name itself. */
  | { readonly from: 'topic'; readonly group: string }
  | { readonly from: 'key' }
  | { readonly from: 'header'; readonly name: string }
  /** The record's own time, by Kafka. */
  | { readonly from: 'timestamp' }

export interface NameOf {
  readonly place: Place
  readonly case: 'upper' | 'lower' | undefined
  readonly aliases: ReadonlyMap<string, string>
}

export type NumberOf = { readonly mid: readonly [PlainNumber, PlainNumber] } | PlainNumber

export interface PlainNumber {
  readonly place: Place
  /** How the integer is written whose last `scale` digits are decimals. */
  readonly integer: 'base64' | 'hex' | undefined
  readonly scale: number
  /** The place of the power of ten by which the number is multiplied. */
  readonly exponent: Path | undefined
}

export interface TimeOf {
  readonly place: Place
  readonly unit: TimeUnit
  /** The mapping names the unit; otherwise a schema may know better. */
  readonly isUnitGiven: boolean
}

/** All its tests hold for the record, or for one around it. `text`: the whole text of a record that is no JSON. */
export type Condition =
  | { readonly text: string }
  | { readonly path: Path; readonly isOuter: boolean; readonly test: Test }

export type Test =
  | { readonly kind: 'equals'; readonly value: string | number | boolean | null }
  | { readonly kind: 'exists' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'matches'; readonly pattern: RegExp }
