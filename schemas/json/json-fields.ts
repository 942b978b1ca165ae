import { NUMBER_FIELDS } from '../price-update.ts'

/** The fields of an update. Fields 0 to 5 are the columns of NUMBER_FIELDS. */
export const EVENT_TIME = 6
export const SEQUENCE = 7
export const PAIR = 8
export const CHAIN = 9
export const GROUP = 10
export const VERSION = 11
export const UPDATES = 12
export const UNKNOWN = -1

const FIELD_NAMES: readonly (readonly [name: string, field: number])[] = [
  ...NUMBER_FIELDS.map((name, column) => [name, column] as const),
  ['eventTimeMs', EVENT_TIME],
  ['sequence', SEQUENCE],
  ['pair', PAIR],
  ['chain', CHAIN],
  ['group', GROUP],
  ['v', VERSION],
  ['updates', UPDATES],
]

const QUOTE = 0x22
/** Fields by length, first and last letter of their names, which tell them apart. The rest is compared after. */
const MAX_FIELD_NAME = 11
const FIELDS_BY_SHAPE = new Int8Array(1024).fill(UNKNOWN)
export const FIELD_BYTES: Buffer[] = []
for (const [name, field] of FIELD_NAMES) {
  const bytes = Buffer.from(name)
  FIELDS_BY_SHAPE[shapeOf(bytes.length, bytes[0] ?? 0, bytes[bytes.length - 1] ?? 0)] = field
  FIELD_BYTES[field] = bytes
}

function shapeOf(length: number, first: number, last: number): number {
  return ((length << 6) ^ (first << 3) ^ last) & 1023
}

/** The text before a field's value, without spaces: if the field comes first, and if it comes later. */
export const FIRST_PREFIXES = FIELD_BYTES.map((name) => wordsOf(`{"${name}":`))
export const LATER_PREFIXES = FIELD_BYTES.map((name) => wordsOf(`,"${name}":`))

/** A text of at least four bytes as words of four bytes. The last word may overlap the one before. */
export interface Words {
  readonly length: number
  readonly words: Int32Array
}

/** The words of a text of latin1. */
export function wordsOf(text: string): Words {
  const bytes = Buffer.from(text, 'latin1')
  const starts = Array.from({ length: Math.ceil(bytes.length / 4) }, (_, word) => Math.min(word * 4, bytes.length - 4))
  return { length: bytes.length, words: Int32Array.from(starts, (start) => bytes.readInt32LE(start)) }
}

/** Whether the text stands at a position. At least its length must be left there. */
export function isAt(view: DataView, at: number, { words, length }: Words): boolean {
  const before = words.length - 1
  for (let w = 0; w < before; w++) if (view.getInt32(at + w * 4, true) !== words[w]) return false
  return view.getInt32(at + length - 4, true) === words[before]
}

/** The field whose quoted name starts at a position, or UNKNOWN. */
export function fieldAt(bytes: Buffer, at: number): number {
  if (bytes[at] !== QUOTE) return UNKNOWN
  const start = at + 1
  let end = start
  while (bytes[end] !== QUOTE) if (end++ - start > MAX_FIELD_NAME) return UNKNOWN
  const length = end - start
  if (length === 0) return UNKNOWN
  const field = FIELDS_BY_SHAPE[shapeOf(length, bytes[start] as number, bytes[end - 1] as number)] as number
  if (field === UNKNOWN) return UNKNOWN
  const name = FIELD_BYTES[field] as Buffer
  if (name.length !== length) return UNKNOWN
  for (let i = 1; i < length - 1; i++) if (name[i] !== bytes[start + i]) return UNKNOWN
  return name[0] === bytes[start] && name[length - 1] === bytes[end - 1] ? field : UNKNOWN
}
