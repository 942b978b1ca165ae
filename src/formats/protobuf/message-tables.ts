import { MOST_DIGITS } from '../flat/flat-row.ts'
import type { AskedValue } from '../flat/places.ts'
import type { Condition } from '../mapping/mapping.ts'
import type { Path } from '../path.ts'
import { fieldOf, type MessageType, type ProtoField } from './proto-schema.ts'
import { against } from './steps.ts'
import { EIGHT_BYTES, FOUR_BYTES, LENGTH, VARINT } from './wire-reader.ts'

/** What is done with a field. */
export const STEP = {
  skip: 0,
  /** The exact reading decides. */
  leave: 1,
  /** A length comes first. The place of a message is that of its table, of isText that of a condition's text. */
  message: 2,
  isText: 3,
  name: 4,
  textNumber: 5,
  timestamp: 6,
  double: 7,
  float: 8,
  fixed32: 9,
  signedFixed32: 10,
  fixed64: 11,
  signedFixed64: 12,
  /** The rest are integers of up to ten bytes. The place of isNumber is that of a condition's number. */
  isNumber: 13,
  signed: 14,
  unsigned: 15,
  folded: 16,
  int32: 17,
  uint32: 18,
  folded32: 19,
  /** Nanoseconds, put as milliseconds. */
  nanos: 20,
} as const

/** How the fields of one message are read. */
export interface MessageTable {
  /** The index is the tag; a tag beyond is of a field that nobody asks for. */
  readonly steps: Uint8Array
  readonly places: Uint16Array
}

type Found = Extract<ProtoField, { field: unknown }>

const NUMBERS: ReadonlyMap<string, readonly [step: number, layout: number]> = new Map([
  ['double', [STEP.double, EIGHT_BYTES]],
  ['float', [STEP.float, FOUR_BYTES]],
  ['int32', [STEP.int32, VARINT]],
  ['int64', [STEP.signed, VARINT]],
  ['uint32', [STEP.uint32, VARINT]],
  ['uint64', [STEP.unsigned, VARINT]],
  ['sint32', [STEP.folded32, VARINT]],
  ['sint64', [STEP.folded, VARINT]],
  ['fixed32', [STEP.fixed32, FOUR_BYTES]],
  ['sfixed32', [STEP.signedFixed32, FOUR_BYTES]],
  ['fixed64', [STEP.fixed64, EIGHT_BYTES]],
  ['sfixed64', [STEP.signedFixed64, EIGHT_BYTES]],
  ['string', [STEP.textNumber, LENGTH]],
])
const INTEGER = /(int|fixed)(32|64)$/
const WRAPPED = /^\.google\.protobuf\.\w+Value$/
const TIMESTAMP = '.google.protobuf.Timestamp'
/** A tag of two bytes at most. */
const MOST_NUMBER = 2_047
const LAYOUTS = 8

interface Table extends MessageTable {
  steps: Uint8Array
  places: Uint16Array
}

/** Makes the tables of a message and of those in it. What it adds is false if no table can read it. */
export class Tables {
  readonly tables: Table[] = []
  readonly texts: Buffer[] = []
  readonly numbers: number[] = []
  /** The index is a place: the table of a number that is 0 where the message is there without it; undefined: it is absent. */
  readonly zeroIn: (number | undefined)[] = []
  readonly #isNanos: boolean
  /** The key is the path of the message. */
  readonly #byPath = new Map<string, number>()

  constructor(isNanos: boolean) {
    this.#isNanos = isNanos
  }

  add(type: MessageType, path: Path, asked: AskedValue): boolean {
    const leaf = this.#leaf(type, path)
    if (leaf === undefined) return false
    const { table, found } = leaf
    const { message } = found
    if (message === undefined) return this.#scalar(table, found, asked)
    if (message.fullName === TIMESTAMP && asked.kind === 'time')
      return this.#step(table, found, [STEP.timestamp, LENGTH], asked.at)
    return WRAPPED.test(message.fullName) && this.add(type, [...path, 'value'], asked)
  }

  #scalar(table: Table, found: Found, { kind, at, scale }: AskedValue): boolean {
    const { field } = found
    if (hasDefault(found)) return false
    if (kind === 'name') return field.type === 'string' && this.#step(table, found, [STEP.name, LENGTH], at)
    const step = NUMBERS.get(field.type)
    if (step === undefined || scale > MOST_DIGITS || (scale > 0 && !INTEGER.test(field.type))) return false
    if (!field.hasPresence && field.type !== 'string') this.zeroIn[at] = this.tables.indexOf(table)
    if (kind !== 'time' || !this.#isNanos) return this.#step(table, found, step, at)
    return (field.type === 'int64' || field.type === 'uint64') && this.#step(table, found, [STEP.nanos, VARINT], at)
  }

  /** Looks at what a condition asks for only as far as is needed to leave those that it may hold for. */
  addCondition(type: MessageType, condition: Condition): boolean {
    if (!('test' in condition) || condition.isOuter) return true
    const { path, test } = condition
    if (test.kind === 'absent') return false
    const leaf = this.#leaf(type, path)
    // What the schema does not have is nowhere.
    if (leaf === undefined) return against(type, path, 'any')?.isAbsent === true
    const { table, found } = leaf
    const { field, message } = found
    if (hasDefault(found)) return false
    const isText = field.type === 'string' && message === undefined
    if (test.kind === 'matches' && !(isText && (field.hasPresence || !test.pattern.test('')))) return false
    if (test.kind !== 'equals' || message !== undefined) return this.#step(table, found, [STEP.leave, LENGTH], 0)
    const { value } = test
    if (isText && typeof value === 'string' && (value !== '' || field.hasPresence)) {
      this.texts.push(Buffer.from(value))
      return this.#step(table, found, [STEP.isText, LENGTH], this.texts.length - 1)
    }
    const { resolvedType } = field
    if (resolvedType === null || !('valuesById' in resolvedType) || typeof value !== 'string') return false
    // A name that the enum does not have is no number's, and the field must be an enum all the same.
    const number = resolvedType.values[value] ?? Number.NaN
    if (number === 0 && !field.hasPresence) return false
    this.numbers.push(number)
    return this.#step(table, found, [STEP.isNumber, VARINT], this.numbers.length - 1)
  }

  /** The field at the path, and the table of its message; undefined if the way there goes through a list. */
  #leaf(type: MessageType, path: Path): { readonly table: Table; readonly found: Found } | undefined {
    let at: MessageType | undefined = type
    for (const [i, name] of path.entries()) {
      const found: ProtoField | undefined = at && fieldOf(at, name)
      if (found === undefined || !('field' in found) || found.field.repeated || found.field.map) return undefined
      if (found.field.delimited || found.field.id > MOST_NUMBER) return undefined
      const table = this.#tableAt(path.slice(0, i))
      if (i === path.length - 1) return { table, found }
      const inner = this.#indexAt(path.slice(0, i + 1))
      if (!this.#step(table, found, [STEP.message, LENGTH], inner)) return undefined
      at = found.message
    }
    return undefined
  }

  #tableAt(path: Path): Table {
    return this.tables[this.#indexAt(path)] as Table
  }

  #indexAt(path: Path): number {
    const key = path.join('\0')
    const known = this.#byPath.get(key)
    if (known !== undefined) return known
    this.#byPath.set(key, this.tables.length)
    return this.tables.push({ steps: new Uint8Array(0), places: new Uint16Array(0) }) - 1
  }

  /** False if something else is done with the field already. */
  #step(table: Table, { field }: Found, [step, layout]: readonly [number, number], place: number): boolean {
    const first = field.id * LAYOUTS
    this.#grow(table, field.id)
    const known = table.steps[first + layout]
    if (known !== STEP.skip) return known === step && table.places[first + layout] === place
    // In another layout than its own it is left to the exact reading, which tells what is wrong.
    table.steps.fill(STEP.leave, first, first + LAYOUTS)
    table.steps[first + layout] = step
    table.places[first + layout] = place
    return this.#leaveRivals(table, field)
  }

  /** The last field of a oneof that is written counts. */
  #leaveRivals(table: Table, { id, partOf }: Found['field']): boolean {
    const rivals = partOf?.fieldsArray.filter((each) => each.id !== id) ?? []
    return rivals.every((rival) => {
      if (rival.id > MOST_NUMBER) return false
      this.#grow(table, rival.id)
      const steps = table.steps.subarray(rival.id * LAYOUTS, (rival.id + 1) * LAYOUTS)
      if (steps.some((step) => step !== STEP.skip && step !== STEP.leave)) return false
      steps.fill(STEP.leave)
      return true
    })
  }

  #grow(table: Table, id: number): void {
    const tags = (id + 1) * LAYOUTS
    if (tags <= table.steps.length) return
    table.steps = Uint8Array.from({ length: tags }, (_, tag) => table.steps[tag] ?? STEP.skip)
    table.places = Uint16Array.from({ length: tags }, (_, tag) => table.places[tag] ?? 0)
  }
}

function hasDefault({ field }: Found): boolean {
  return field.hasPresence && field.options?.default !== undefined
}
