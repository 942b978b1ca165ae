import { type Refused, refused } from '../../../schemas/refusal.ts'
import type { Scalar } from './scalars.ts'
import type { WellKnown } from './well-known.ts'
import { GROUP, LENGTH, WireReader, wireWords } from './wire-reader.ts'

export type Fields = Record<string, unknown>

/** A field may have the name of something that objects inherit. */
function noFields(): Fields {
  return Object.create(null)
}

/** How a field is read that the mapping names. */
export interface ReadField {
  readonly number: number
  /** Undefined: it is not asked for, but takes the place of others of its oneof. */
  readonly name: string | undefined
  readonly isRepeated: boolean
  readonly type: Scalar | MessageReader
  readonly isGroup: boolean
  /** What a message of this type stands for. */
  readonly wellKnown?: WellKnown | undefined
  /** What the field is if it is not written; undefined if it is absent then. A list is empty. */
  readonly absent?: unknown
  /** The fields of its oneof that are asked for: the last that is written counts. */
  readonly rivals: readonly string[]
  /** What is expected, for people. */
  readonly words: string
}

/** Reads the fields of a message that a mapping names into objects. All others are passed over in their bytes. */
export class MessageReader {
  readonly #fields = new Map<number, ReadField>()

  /** A message may hold itself, so its fields are added when its reader is there. */
  add(field: ReadField): void {
    this.#fields.set(field.number, field)
  }

  decode(bytes: Buffer, start: number): { readonly root: Fields } | Refused {
    const reader = new WireReader(bytes, start)
    const into = noFields()
    this.#read(reader, bytes.length, into)
    if (reader.fault !== undefined) return reader.fault
    this.#finish(into)
    return { root: into }
  }

  #read(reader: WireReader, end: number, into: Fields): undefined {
    const outerEnd = reader.end
    reader.end = end
    while (reader.at < end && reader.fault === undefined) this.#field(reader, reader.tag(), into)
    if (reader.fault === undefined) reader.end = outerEnd
  }

  #readGroup(reader: WireReader, tag: number, into: Fields): undefined {
    for (let next = reader.groupTag(tag); next !== 0; next = reader.groupTag(tag)) this.#field(reader, next, into)
  }

  #field(reader: WireReader, tag: number, into: Fields): undefined {
    if (reader.fault !== undefined) return
    const field = this.#fields.get(tag >>> 3)
    if (field === undefined) return reader.skip(tag)
    for (const rival of field.rivals) delete into[rival]
    const { name, type } = field
    if (name === undefined) return reader.skip(tag)
    if (type instanceof MessageReader) return readMessage(reader, tag, into, { ...field, name, type })
    if ((tag & 7) === type.wire) {
      const value = type.read(reader)
      if (field.isRepeated) listIn(into, name).push(value)
      else into[name] = value
      return
    }
    if (!field.isRepeated || (tag & 7) !== LENGTH) return reader.fail(unexpected(field, tag))
    readPacked(reader, type, listIn(into, name))
  }

  /** Adds what stands for absent fields, and turns messages into the values that they stand for. */
  #finish(into: Fields): undefined {
    for (const { name, type, absent, isRepeated, wellKnown } of this.#fields.values()) {
      if (name === undefined) continue
      const value = into[name]
      if (value === undefined) {
        if (absent !== undefined) into[name] = isRepeated ? [] : absent
        continue
      }
      if (!(type instanceof MessageReader)) continue
      const finished = (each: unknown) => {
        type.#finish(each as Fields)
        return wellKnown === undefined ? each : wellKnown.value(each as Fields)
      }
      into[name] = isRepeated ? (value as unknown[]).map(finished) : finished(value)
    }
  }

  /** Reads a message into one that was begun before: both are the same message. */
  static readInto(reader: WireReader, tag: number, type: MessageReader, into: Fields): undefined {
    if ((tag & 7) === GROUP) return type.#readGroup(reader, tag, into)
    const end = reader.lengthEnd()
    if (reader.fault === undefined) type.#read(reader, end, into)
  }
}

interface NamedMessage extends ReadField {
  readonly name: string
  readonly type: MessageReader
}

function readMessage(reader: WireReader, tag: number, into: Fields, field: NamedMessage): undefined {
  if ((tag & 7) !== (field.isGroup ? GROUP : LENGTH)) return reader.fail(unexpected(field, tag))
  const message = (field.isRepeated ? undefined : (into[field.name] as Fields | undefined)) ?? noFields()
  if (field.isRepeated) listIn(into, field.name).push(message)
  else into[field.name] = message
  MessageReader.readInto(reader, tag, field.type, message)
}

function readPacked(reader: WireReader, type: Scalar, list: unknown[]): undefined {
  const outerEnd = reader.end
  const end = reader.lengthEnd()
  if (reader.fault !== undefined) return
  reader.end = end
  while (reader.at < end && reader.fault === undefined) list.push(type.read(reader))
  if (reader.fault === undefined) reader.end = outerEnd
}

function listIn(into: Fields, name: string): unknown[] {
  const list = into[name]
  if (Array.isArray(list)) return list
  const made: unknown[] = []
  into[name] = made
  return made
}

function unexpected({ words }: ReadField, tag: number): Refused {
  return refused('wrong-type', `${words}, got ${wireWords(tag)}`)
}
