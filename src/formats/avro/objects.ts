import { isUtf8 } from 'node:buffer'
import { integerOfBytes, shifted } from '../decimal.ts'
import type { Cursor } from './cursor.ts'
import type { AvroField, AvroRecord, AvroTime, AvroType } from './schema.ts'
import { blockOf, branchOf, type Skip, Skips } from './skip.ts'
import { both, type Wanted } from './wanted.ts'

export type Read = (cursor: Cursor) => unknown

/** The most that `readIntBE` takes. */
const MOST_INT_BYTES = 6
/** Units of a timestamp a millisecond. */
const UNITS_A_MS: Readonly<Record<AvroTime, number>> = { ms: 1, us: 1_000, ns: 1_000_000 }

/**
 * Makes functions that read a value as JSON would have it. Only those members of records and items of lists are read that
 * are wanted. Integers that a double does not hold, decimals and bytes are texts.
 */
export class Objects {
  readonly #skips = new Skips()

  of(type: AvroType, wanted: Wanted): Read {
    switch (type.kind) {
      case 'null':
        return () => null
      case 'boolean':
        return (cursor) => cursor.byte() !== 0
      case 'int':
      case 'long':
        return longOf(wanted.isRaw ? undefined : type.time)
      case 'float':
        return (cursor) => numberAt(cursor, 4)
      case 'double':
        return (cursor) => numberAt(cursor, 8)
      case 'string':
        return textIn
      case 'bytes':
        return bytesOf((cursor) => cursor.slice(cursor.long()), type.scale, wanted)
      case 'fixed':
        return bytesOf((cursor) => cursor.slice(type.size), type.scale, wanted)
      case 'enum':
        return (cursor) => branchOf(cursor, type.symbols)
      case 'array':
        return this.#list(type.items, wanted)
      case 'map':
        return this.#map(type.values, wanted)
      case 'union':
        return unionOf(type.branches.map((branch) => this.of(branch, wanted)))
      case 'record':
        return this.#record(type, wanted)
    }
  }

  #record({ fields }: AvroRecord, wanted: Wanted): Read {
    const parts = fields.map((field) => this.#part(field, fields, wanted))
    return (cursor) => {
      const object = Object.create(null)
      if (!cursor.enter()) return object
      for (const { name, read, skip } of parts) {
        if (name === undefined) skip(cursor)
        else object[name] = read(cursor)
      }
      cursor.leave()
      return object
    }
  }

  /** The mapping may know the field by an earlier name. */
  #part(
    { name, aliases, type }: AvroField,
    fields: readonly AvroField[],
    { members }: Wanted,
  ): { readonly name: string | undefined; readonly read: Read; readonly skip: Skip } {
    const isFree = (alias: string) => members.has(alias) && !fields.some((field) => field.name === alias)
    const known = members.has(name) ? name : aliases.find(isFree)
    const member = known === undefined ? undefined : members.get(known)
    const skip = this.#skips.of(type)
    return member === undefined
      ? { name: undefined, read: () => undefined, skip }
      : { name: known, read: this.of(type, member), skip }
  }

  #list(items: AvroType, { members, items: each }: Wanted): Read {
    const skip = this.#skips.of(items)
    const read = each === undefined ? undefined : this.of(items, each)
    const some = new Map(
      [...members].flatMap(([name, wanted]) =>
        /^\d{1,6}$/.test(name) ? [[Number(name), this.of(items, both(wanted, each))]] : [],
      ),
    )
    return (cursor) => {
      const list: unknown[] = []
      let at = 0
      for (let count = blockOf(cursor, false); count !== 0; count = blockOf(cursor, false))
        for (const end = at + count; at < end && cursor.fault === undefined; at++) {
          const one = some.get(at) ?? read
          if (one === undefined) skip(cursor)
          else list[at] = one(cursor)
        }
      return list
    }
  }

  #map(values: AvroType, { members }: Wanted): Read {
    const skip = this.#skips.of(values)
    const some = new Map([...members].map(([name, wanted]) => [name, this.of(values, wanted)]))
    return (cursor) => {
      const object = Object.create(null)
      for (let count = blockOf(cursor, false); count !== 0; count = blockOf(cursor, false))
        for (let i = 0; i < count && cursor.fault === undefined; i++) {
          const name = textIn(cursor)
          const read = typeof name === 'string' ? some.get(name) : undefined
          if (read === undefined) skip(cursor)
          else object[name as string] = read(cursor)
        }
      return object
    }
  }
}

function unionOf(branches: readonly Read[]): Read {
  return (cursor) => branchOf(cursor, branches)?.(cursor)
}

function longOf(time: AvroTime | undefined): Read {
  if (time === undefined)
    return (cursor) => {
      const value = cursor.exactLong()
      return typeof value === 'bigint' ? String(value) : value
    }
  const units = UNITS_A_MS[time]
  return (cursor) => {
    const value = cursor.exactLong()
    return typeof value === 'bigint' ? Number(value / BigInt(units)) : Math.floor(value / units)
  }
}

function numberAt(cursor: Cursor, bytes: 4 | 8): number {
  const start = cursor.skip(bytes)
  if (cursor.fault !== undefined) return 0
  return bytes === 4 ? cursor.bytes.readFloatLE(start) : cursor.bytes.readDoubleLE(start)
}

/** Other bytes would turn different names into the same one. */
function textIn(cursor: Cursor): unknown {
  const bytes = cursor.slice(cursor.long())
  return isUtf8(bytes) ? bytes.toString('utf8') : cursor.fail('a text is no UTF-8')
}

function bytesOf(slice: (cursor: Cursor) => Buffer, scale: number | undefined, { isRaw, isNumber }: Wanted): Read {
  if (isRaw) return (cursor) => slice(cursor).toString('base64')
  // Some bytes are digits in base64, and no number all the same.
  if (scale === undefined) return (cursor) => (isNumber ? 'base64 ' : '') + slice(cursor).toString('base64')
  return (cursor) => {
    const bytes = slice(cursor)
    const isShort = bytes.length > 0 && bytes.length <= MOST_INT_BYTES
    const integer = isShort ? bytes.readIntBE(0, bytes.length) : integerOfBytes(bytes)
    if (integer !== undefined || cursor.fault !== undefined) return shifted(integer, -scale)
    return cursor.fail(`a decimal has ${bytes.length} bytes`)
  }
}
