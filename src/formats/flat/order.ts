import { type Words, wordsOf } from '../../../schemas/json/json-fields.ts'
import { ASKED, type FlatFields, SKIPPED_VALUE } from './fields.ts'
import { valueEnd } from './value-end.ts'

/** The members of a record in their order, each with the bytes before its value. */
export interface Order {
  readonly prefixes: readonly Words[]
  readonly kinds: Int8Array
  readonly places: Int8Array
  /** The bytes after the last value. */
  readonly end: Words | undefined
  readonly endLength: number
}

const MAX_MEMBERS = 64
const KEY = /^[\s,{]*"([^"\\]+)"\s*:\s*$/

/** The order of a record that is a flat object; undefined if it is none, or must be read exactly. */
export function orderOf(record: Buffer, { keys, needed }: FlatFields): Order | undefined {
  const view = new DataView(record.buffer, record.byteOffset, record.length)
  const prefixes: Words[] = []
  const kinds: number[] = []
  const places: number[] = []
  const seen = new Set<string>()
  for (let at = 0; ; ) {
    const start = valueStart(record, at)
    if (start < 0) return endOf(record, at, { prefixes, kinds, places, isWhole: needed.every((key) => seen.has(key)) })
    const prefix = record.toString('latin1', at, start)
    const [, key] = KEY.exec(prefix) ?? []
    const end = valueEnd(view, start, record.length)
    if (key === undefined || end < 0 || seen.has(key) || seen.size >= MAX_MEMBERS || prefix.length < 4) return undefined
    seen.add(key)
    const known = keys.get(Buffer.from(key, 'latin1').toString('utf8'))
    if (known?.kind === ASKED) return undefined
    prefixes.push(wordsOf(prefix))
    kinds.push(known?.kind ?? SKIPPED_VALUE)
    places.push(known?.at ?? -1)
    at = end
  }
}

/** The position after the next colon outside a text; -1 if there is none. */
function valueStart(record: Buffer, from: number): number {
  const key = record.indexOf('"', from)
  const keyEnd = key < 0 ? -1 : record.indexOf('"', key + 1)
  let at = keyEnd < 0 ? -1 : record.indexOf(':', keyEnd)
  if (at < 0) return -1
  do at++
  while (record[at] === 0x20)
  return at
}

interface Read {
  readonly prefixes: readonly Words[]
  readonly kinds: readonly number[]
  readonly places: readonly number[]
  readonly isWhole: boolean
}

function endOf(record: Buffer, at: number, { prefixes, kinds, places, isWhole }: Read): Order | undefined {
  const rest = record.toString('latin1', at)
  if (!isWhole || prefixes.length === 0 || !/^\s*\}\s*$/.test(rest)) return undefined
  return {
    ...{ prefixes, kinds: Int8Array.from(kinds), places: Int8Array.from(places) },
    ...{ end: rest.length >= 4 ? wordsOf(rest) : undefined, endLength: rest.length },
  }
}
