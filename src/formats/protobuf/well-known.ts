import { integerOfBase64, shifted } from '../decimal.ts'

/** Messages that stand for one value. Each is read by the names of its fields, and turned into the value after. */
export interface WellKnown {
  readonly fields: readonly string[]
  /** A time of its own unit: the mapping gives none. */
  readonly isTime?: true
  value(fields: Readonly<Record<string, unknown>>): unknown
}

const WRAPPERS = ['Double', 'Float', 'Int64', 'UInt64', 'Int32', 'UInt32', 'Bool', 'String', 'Bytes']

export const WELL_KNOWN: ReadonlyMap<string, WellKnown> = new Map<string, WellKnown>([
  ...WRAPPERS.map((type): [string, WellKnown] => [
    `.google.protobuf.${type}Value`,
    { fields: ['value'], value: ({ value }) => value },
  ]),
  ['.google.protobuf.Timestamp', { fields: ['seconds', 'nanos'], isTime: true, value: millisecondsOf }],
  ['.google.type.Decimal', { fields: ['value'], value: ({ value }) => value }],
  ['.confluent.type.Decimal', { fields: ['value', 'scale'], value: decimalOf }],
])

const NANOS_A_MILLISECOND = 1_000_000

/** Whole milliseconds since 1970. Seconds that no double holds are no time, and are refused as they came. */
function millisecondsOf({ seconds, nanos }: Readonly<Record<string, unknown>>): unknown {
  if (typeof seconds !== 'number' || typeof nanos !== 'number') return seconds
  return seconds * 1000 + Math.floor(nanos / NANOS_A_MILLISECOND)
}

/** The integer in base64 with so many decimals, as a text. */
function decimalOf({ value, scale }: Readonly<Record<string, unknown>>): unknown {
  const integer = integerOfBase64(value)
  return integer === undefined ? value : shifted(integer, -Number(scale))
}
