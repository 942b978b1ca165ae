import { isObject, shown } from './json-value.ts'
import { type Refused, refused } from './refusal.ts'
import { KEY_SEPARATOR } from './topics.ts'

/** Why a warm request, a warm result or a record of correlations was not taken; a label of counters. */
export type RecordRefusal =
  | 'empty'
  | 'too-large'
  | 'not-json'
  | 'wrong-type'
  | 'unknown-version'
  | 'missing-field'
  | 'bad-value'
  | 'too-many-pairs'

export type Parsed<T> = { readonly ok: true; readonly value: T } | Refused<RecordRefusal>

export interface ListLimits {
  readonly count: number
  /** The most bytes of an item. */
  readonly bytes: number
}

const VERSION = 1
/** A thousand pairs with the longest names and their outcomes take 280 kB. Kafka's default limit is 1 MB. */
const MAX_BYTES = 1024 * 1024
/** The latest time that a Date holds, in milliseconds since 1970. */
const LATEST_MS = 8_640_000_000_000_000

/**
 * The format of a record type; `read` makes its value of the fields. `parse` returns a value that can be trusted or the
 * first reason against the record. It never throws and skips unknown fields.
 */
export function recordFormat<T>(read: (fields: RecordFields) => T) {
  return {
    parse: (bytes: Buffer) => readRecord(bytes, read),
    encode: (value: T) => Buffer.from(JSON.stringify(value)),
  }
}

function readRecord<T>(bytes: Buffer, read: (fields: RecordFields) => T): Parsed<T> {
  if (bytes.length === 0) return refused('empty', 'expected a JSON object, got nothing')
  if (bytes.length > MAX_BYTES) return refused('too-large', `expected at most ${MAX_BYTES} bytes, got ${bytes.length}`)
  let parsed: unknown
  try {
    parsed = JSON.parse(bytes.toString('utf8'))
  } catch (error) {
    return refused('not-json', error instanceof Error ? error.message : 'not JSON')
  }
  if (!isObject(parsed)) return refused('wrong-type', `expected an object, got ${shown(parsed)}`)
  if (parsed.v !== VERSION) return refused('unknown-version', `v: expected ${VERSION}, got ${shown(parsed.v)}`)
  const fields = new RecordFields(parsed)
  const value = read(fields)
  return fields.refusal ?? { ok: true, value }
}

/**
 * The fields of one record. Each reader returns the checked value. If there is none, it returns an empty value and
 * keeps the reason, so that a record is read to its end and judged then. Null counts as absent.
 */
export class RecordFields {
  readonly #values: Record<string, unknown>
  #refusal: Refused<RecordRefusal> | undefined

  constructor(values: Record<string, unknown>) {
    this.#values = values
  }

  /** The first reason against the fields read so far. */
  get refusal(): Refused<RecordRefusal> | undefined {
    return this.#refusal
  }

  has(name: string): boolean {
    const value = this.#values[name]
    return value !== undefined && value !== null
  }

  /** At least one byte, at most `maxBytes` in UTF-8, and no NUL, which separates the parts of a key. */
  name(name: string, maxBytes: number): string {
    return this.#present(name) ? this.#name(this.#values[name], name, maxBytes) : ''
  }

  /** A text for people. If it is too long, it is cut and not refused. */
  text(name: string, maxChars: number): string {
    if (!this.#present(name)) return ''
    const value = this.#values[name]
    return typeof value === 'string' ? value.slice(0, maxChars) : this.#wrong(name, 'a string', value, '')
  }

  names(name: string, limits: ListLimits): string[] {
    const list = this.#list(name)
    if (list.length === 0) return this.#refuse('bad-value', `${name}: expected at least one, got none`, [])
    if (list.length > limits.count)
      return this.#refuse('too-many-pairs', `${name}: at most ${limits.count}, got ${list.length}`, [])
    return list.map((item, at) => this.#name(item, `${name}[${at}]`, limits.bytes))
  }

  /** Numbers from 0 to 1, `count` of them. */
  shares(name: string, count: number): number[] {
    const list = this.#list(name)
    if (list.length !== count)
      return this.#refuse('bad-value', `${name}: expected ${count}, one a pair, got ${list.length}`, [])
    return list.map((item, at) => this.#number(item, `${name}[${at}]`, 1))
  }

  /** Numbers from 0 to `max`, as many as `count` allows. */
  numbers(name: string, max: number, count: { readonly from: number; readonly to: number }): number[] {
    const list = this.#list(name)
    if (list.length < count.from || list.length > count.to)
      return this.#refuse('bad-value', `${name}: expected ${count.from} to ${count.to} numbers, got ${list.length}`, [])
    return list.map((item, at) => this.#number(item, `${name}[${at}]`, max))
  }

  /** As many words as `count` says. */
  wordsOf<T extends string>(name: string, allowed: readonly [T, ...T[]], count: number): T[] {
    const list = this.#list(name)
    if (list.length !== count)
      return this.#refuse('bad-value', `${name}: expected ${count} words, got ${list.length}`, [])
    return list.map((item, at) => this.#word(item, `${name}[${at}]`, allowed))
  }

  oneOf<T extends string>(name: string, allowed: readonly [T, ...T[]]): T {
    return this.#present(name) ? this.#word(this.#values[name], name, allowed) : allowed[0]
  }

  timeMs(name: string): number {
    return this.#present(name) ? this.#number(this.#values[name], name, LATEST_MS) : 0
  }

  count(name: string, most: number = Number.MAX_SAFE_INTEGER): number {
    const value = this.#present(name) ? this.#number(this.#values[name], name, most) : 0
    return Number.isInteger(value)
      ? value
      : this.#refuse('bad-value', `${name}: expected a whole number, got ${value}`, 0)
  }

  flag(name: string): boolean {
    if (!this.#present(name)) return false
    const value = this.#values[name]
    return typeof value === 'boolean' ? value : this.#wrong(name, 'true or false', value, false)
  }

  /** An object of any members, which the caller checks. */
  object(name: string): Readonly<Record<string, unknown>> {
    if (!this.#present(name)) return {}
    const value = this.#values[name]
    return isObject(value) ? value : this.#wrong(name, 'an object', value, {})
  }

  /** Objects, each with fields of its own; the first reason against one of them counts. */
  objects<T>(name: string, most: number, read: (fields: RecordFields) => T): T[] {
    const list = this.#list(name)
    if (list.length > most) return this.#refuse('bad-value', `${name}: at most ${most}, got ${list.length}`, [])
    return list.flatMap((item, at) => {
      if (!isObject(item)) return this.#wrong(`${name}[${at}]`, 'an object', item, [])
      const fields = new RecordFields(item)
      const value = read(fields)
      if (fields.refusal !== undefined) this.#refusal ??= fields.refusal
      return [value]
    })
  }

  /** An object that maps names to words. */
  words<T extends string>(name: string, allowed: readonly [T, ...T[]], limits: ListLimits): Record<string, T> {
    if (!this.#present(name)) return {}
    const value = this.#values[name]
    if (!isObject(value)) return this.#wrong(name, 'an object', value, {})
    const entries = Object.entries(value)
    if (entries.length > limits.count)
      return this.#refuse('too-many-pairs', `${name}: at most ${limits.count}, got ${entries.length}`, {})
    // It defines own properties, so a pair called __proto__ is a pair like any other.
    return Object.fromEntries(
      entries.map(([key, word]) => [
        this.#name(key, name, limits.bytes),
        this.#word(word, `${name} of a pair`, allowed),
      ]),
    )
  }

  #list(name: string): unknown[] {
    if (!this.#present(name)) return []
    const value = this.#values[name]
    return Array.isArray(value) ? value : this.#wrong(name, 'a list', value, [])
  }

  #present(name: string): boolean {
    return this.has(name) || this.#refuse('missing-field', `${name} is missing`, false)
  }

  #name(value: unknown, name: string, maxBytes: number): string {
    if (typeof value !== 'string') return this.#wrong(name, 'a string', value, '')
    if (value === '') return this.#refuse('bad-value', `${name}: expected at least one byte, got none`, '')
    const bytes = Buffer.byteLength(value)
    if (bytes > maxBytes) return this.#refuse('bad-value', `${name}: at most ${maxBytes} bytes, got ${bytes}`, '')
    if (value.includes(KEY_SEPARATOR)) return this.#refuse('bad-value', `${name}: must not contain NUL`, '')
    if (!value.isWellFormed())
      return this.#refuse('bad-value', `${name}: must not contain half of a surrogate pair`, '')
    return value
  }

  #number(value: unknown, name: string, max: number): number {
    if (typeof value !== 'number') return this.#wrong(name, 'a number', value, 0)
    if (value >= 0 && value <= max) return value
    return this.#refuse('bad-value', `${name}: expected 0 to ${max}, got ${value}`, 0)
  }

  #word<T extends string>(value: unknown, name: string, allowed: readonly [T, ...T[]]): T {
    const word = allowed.find((candidate) => candidate === value)
    if (word !== undefined) return word
    return this.#refuse('bad-value', `${name}: expected one of ${allowed.join(', ')}, got ${shown(value)}`, allowed[0])
  }

  #wrong<T>(name: string, expected: string, got: unknown, instead: T): T {
    return this.#refuse('wrong-type', `${name}: expected ${expected}, got ${shown(got)}`, instead)
  }

  #refuse<T>(reason: RecordRefusal, detail: string, instead: T): T {
    this.#refusal ??= refused(reason, detail)
    return instead
  }
}
