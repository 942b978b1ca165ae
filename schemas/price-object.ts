import { isUtf8 } from 'node:buffer'
import { checkedEventTime } from './event-time.ts'
import { isRounded } from './json/rounding.ts'
import { isObject, shown } from './json-value.ts'
import {
  type Extra,
  isExtraName,
  MAX_EXTRA_CHARS,
  MAX_EXTRA_FIELDS,
  MAX_EXTRA_NAME_CHARS,
  NUMBER_FIELDS,
  type PriceUpdate,
} from './price-update.ts'
import { type Refused, refused } from './refusal.ts'
import { chainOfKey, KEY_SEPARATOR, MAX_CHAIN_BYTES, MAX_PAIR_BYTES } from './topics.ts'

export const SCHEMA_VERSION = 1

const OPTIONAL_NUMBERS = ['bid', 'ask', 'reserve0', 'reserve1', 'liquidity'] as const

export type Updates =
  | {
      readonly ok: true
      readonly updates: readonly PriceUpdate[]
      /** How many of them had a number of more digits than a double holds; absent if none had. */
      readonly rounded?: number
    }
  | Refused

/**
 * Turns what JSON.parse gave into updates, or finds the first reason against it. This is the exact reading of the
 * format; price-json.ts is the fast one, for records as one would write them. `isSigned`: prices may be below 0.
 * `hasExtra`: updates may have fields of the user's own.
 */
export function updatesOf(parsed: unknown, { isSigned = false, hasExtra = false } = {}): Updates {
  const list = listOf(parsed)
  if (!Array.isArray(list)) return list
  if (list.length === 0) return refused('empty', 'expected at least one update, got an empty list')
  const updates: PriceUpdate[] = []
  let rounded = 0
  for (const [index, item] of list.entries()) {
    const update = updateOf(item, index, isSigned)
    if ('ok' in update) return update
    if (hasExtra) {
      const read = extraOf((item as Record<string, unknown>).extra, index)
      if (!read.ok) return read
      if (read.extra !== undefined) update.extra = read.extra
    }
    if (update.chain !== (updates[0] ?? update).chain)
      return refused(
        'several-chains',
        `update ${index}: a record holds one chain, got ${shown(update.chain)} after ${shown(updates[0]?.chain)}`,
      )
    updates.push(update)
    if (hasRounded(item as Record<string, unknown>, update)) rounded++
  }
  return { ok: true, updates, ...(rounded > 0 && { rounded }) }
}

function hasRounded(item: Record<string, unknown>, update: PriceUpdate): boolean {
  return NUMBER_FIELDS.some((field) => isRoundedFrom(item[field], update[field]))
}

/** Numbers that are rounded come as texts (json/rounding.ts). */
function isRoundedFrom(came: unknown, value: number | undefined): boolean {
  return typeof came === 'string' && value !== undefined && isRounded(came, value)
}

function listOf(parsed: unknown): unknown[] | Refused {
  if (Array.isArray(parsed)) return parsed
  if (!isObject(parsed))
    return refused('wrong-type', `expected an update, a list of them or a frame, got ${shown(parsed)}`)
  if (parsed.v !== undefined && parsed.v !== SCHEMA_VERSION)
    return refused('unknown-version', `expected v ${SCHEMA_VERSION}, got ${shown(parsed.v)}`)
  if (parsed.updates === undefined) return [parsed]
  if (!Array.isArray(parsed.updates))
    return refused('wrong-type', `updates: expected a list, got ${shown(parsed.updates)}`)
  return parsed.updates
}

type WritableUpdate = { -readonly [K in keyof PriceUpdate]: PriceUpdate[K] }

function updateOf(item: unknown, index: number, isSigned: boolean): WritableUpdate | Refused {
  if (!isObject(item)) return refused('wrong-type', `update ${index}: expected an object, got ${shown(item)}`)
  if (item.v !== undefined && item.v !== SCHEMA_VERSION)
    return refused('unknown-version', `update ${index}: expected v ${SCHEMA_VERSION}, got ${shown(item.v)}`)
  const names = namesOf(item, index)
  if ('ok' in names) return names
  const { pair, chain } = names
  if (item.price === undefined || item.price === null)
    return refused('missing-price', `update ${index}: price is missing`)
  const price = numberOf(item.price, 'price', index, isSigned)
  if (typeof price !== 'number') return price
  const eventTimeMs = eventTimeOf(item.eventTimeMs, index)
  if (typeof eventTimeMs !== 'number') return eventTimeMs
  const update: WritableUpdate = { pair, chain, price, eventTimeMs }
  for (const field of OPTIONAL_NUMBERS) {
    if (item[field] === undefined || item[field] === null) continue
    const value = numberOf(item[field], field, index, isSigned && isQuote(field))
    if (typeof value !== 'number') return value
    update[field] = value
  }
  if (item.sequence !== undefined && item.sequence !== null) {
    const sequence = numberOf(item.sequence, 'sequence', index)
    if (typeof sequence !== 'number') return sequence
    const against = checkedSequence(sequence, item.sequence)
    if (against !== undefined) return against
    update.sequence = sequence
  }
  if (item.group !== undefined && item.group !== null) {
    if (typeof item.group !== 'string')
      return refused('wrong-type', `update ${index}: group: expected a string, got ${shown(item.group)}`)
    update.group = item.group
  }
  return update
}

/** A pair, as updates and tombstones name it. */
export interface NamedPair {
  readonly chain: string
  readonly pair: string
}

type MaybeNamed = { readonly [K in keyof NamedPair]?: unknown }

/** The names in an object, or the reason to refuse them. */
export function namesOf(item: MaybeNamed, index = 0): NamedPair | Refused {
  const pair = nameOf(item, 'pair', index)
  if (typeof pair !== 'string') return pair
  const chain = nameOf(item, 'chain', index)
  return typeof chain === 'string' ? { chain, pair } : chain
}

/** The pair that a record without a value delists, by the record's key, or the reason to refuse the record. */
export function tombstonePair(key: Buffer | undefined): NamedPair | Refused {
  // Decoding other bytes would turn different names into the same one.
  if (key === undefined || !isUtf8(key)) return refused('bad-key', 'a tombstone needs a key of UTF-8')
  const text = key.toString('utf8')
  const chain = chainOfKey(text)
  const pair = text.slice(chain.length + KEY_SEPARATOR.length)
  if (chain === '' || pair === '') return refused('bad-key', 'a tombstone needs the key chain NUL pair')
  return checkedNames(chain, pair) ?? { chain, pair }
}

/** The reason to refuse a pair's names, if there is one. */
export function checkedNames(chain: unknown, pair: unknown): Refused | undefined {
  return checkedName(chain, 'chain') ?? checkedName(pair, 'pair')
}

function nameOf(item: MaybeNamed, field: 'pair' | 'chain', index: number): string | Refused {
  const name = item[field]
  if (name === undefined || name === null || name === '')
    return refused(`missing-${field}`, `update ${index}: ${field} is missing`)
  if (typeof name !== 'string')
    return refused('wrong-type', `update ${index}: ${field}: expected a string, got ${shown(name)}`)
  return checkedName(name, field) ?? name
}

/** The reason to refuse a name, if there is one. Callers without types pass anything. */
export function checkedName(name: unknown, field: 'pair' | 'chain'): Refused | undefined {
  if (typeof name !== 'string') return refused('wrong-type', `${field}: expected a string, got ${shown(name)}`)
  if (name === '') return refused(`missing-${field}`, `${field} is missing`)
  const limit = field === 'pair' ? MAX_PAIR_BYTES : MAX_CHAIN_BYTES
  if (Buffer.byteLength(name) > limit)
    return refused('name-too-long', `${field}: at most ${limit} bytes, got ${Buffer.byteLength(name)}: ${shown(name)}`)
  if (name.includes(KEY_SEPARATOR)) return refused('bad-name', `${field}: must not contain NUL, got ${shown(name)}`)
  // UTF-8 cannot encode it: as a key it would be the same as other such names.
  if (!name.isWellFormed())
    return refused('bad-name', `${field}: must not contain half of a surrogate pair, got ${shown(name)}`)
  return undefined
}

function isQuote(field: string): boolean {
  return field === 'bid' || field === 'ask'
}

function numberOf(value: unknown, field: string, index: number, isSigned = false): number | Refused {
  const number = typeof value === 'string' && DECIMAL.test(value) ? Number(value) : value
  if (typeof number !== 'number') {
    if (value === 'NaN' || value === 'Infinity' || value === '-Infinity')
      return refused('not-finite', `update ${index}: ${field} is ${value}`)
    return refused('wrong-type', `update ${index}: ${field}: expected a number, got ${shown(value)}`)
  }
  if (!Number.isFinite(number)) return refused('not-finite', `update ${index}: ${field} is ${shown(value)}`)
  if (number < 0 && !isSigned) return refused('negative', `update ${index}: ${field}: at least 0, got ${shown(value)}`)
  return number
}

/** No two parts of it match the same digits, or a text of many digits would take for ever. */
const DECIMAL = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/

function eventTimeOf(value: unknown, index: number): number | Refused {
  if (value === undefined || value === null)
    return refused('missing-event-time', `update ${index}: eventTimeMs is missing`)
  const time = numberOf(value, 'eventTimeMs', index)
  if (typeof time !== 'number') return time
  const against = checkedEventTime(time, value)
  if (against !== undefined || !isRoundedFrom(value, time)) return against ?? Math.floor(time)
  // Rounding may have reached the next millisecond.
  const whole = WHOLE_PART.exec(String(value))?.[1]
  return whole === undefined ? notExact('eventTimeMs', value) : Number(whole)
}

const WHOLE_PART = /^\+?(\d+)\.\d+$/

/** The reason to refuse a sequence that is not at least 0, or not exact: updates would be ordered by what it is not. */
export function checkedSequence(sequence: number, came: unknown = sequence): Refused | undefined {
  if (sequence < 0) return refused('negative', `sequence: at least 0, got ${shown(came)}`)
  const isExact = sequence <= Number.MAX_SAFE_INTEGER && !isRoundedFrom(came, sequence)
  return isExact ? undefined : notExact('sequence', came)
}

function notExact(field: string, came: unknown): Refused {
  return refused(
    'not-exact',
    `${field}: at most ${Number.MAX_SAFE_INTEGER} and what a double holds, got ${shown(came)}`,
  )
}

/** The fields of the user's own that are there, or the first reason against them. */
function extraOf(came: unknown, index: number): { readonly ok: true; readonly extra?: Extra } | Refused {
  const at = `update ${index}: extra`
  if (came === undefined || came === null) return { ok: true }
  if (!isObject(came)) return refused('wrong-type', `${at}: expected an object, got ${shown(came)}`)
  const extra: Record<string, string | number | boolean> = {}
  let fields = 0
  for (const [name, value] of Object.entries(came)) {
    if (value === undefined || value === null) continue
    if (!isExtraName(name))
      return refused('bad-name', `${at}: expected names of 1 to ${MAX_EXTRA_NAME_CHARS} characters, got ${shown(name)}`)
    if (++fields > MAX_EXTRA_FIELDS) return refused('too-large', `${at}: at most ${MAX_EXTRA_FIELDS} fields, got more`)
    const against = checkedExtra(value, `${at}.${name}`)
    if (against !== undefined) return against
    extra[name] = value as string | number | boolean
  }
  return fields === 0 ? { ok: true } : { ok: true, extra }
}

function checkedExtra(value: unknown, at: string): Refused | undefined {
  if (typeof value === 'string') {
    if (value.length <= MAX_EXTRA_CHARS) return undefined
    return refused('too-large', `${at}: at most ${MAX_EXTRA_CHARS} characters, got ${value.length}`)
  }
  if (typeof value === 'boolean' || Number.isFinite(value)) return undefined
  if (typeof value === 'number') return refused('not-finite', `${at} is ${value}`)
  return refused('wrong-type', `${at}: expected a text, a number, true or false, got ${shown(value)}`)
}
