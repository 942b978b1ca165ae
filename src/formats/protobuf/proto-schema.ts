import { createRequire } from 'node:module'
import type protobuf from 'protobufjs'

const require = createRequire(import.meta.url)

/**
 * Only its parser is used, and its model of what was parsed. Its decoders, which it writes as code out of names of the
 * schema, are not. It is loaded by those who read Protobuf alone.
 */
function library(): typeof protobuf {
  return require('protobufjs') as typeof protobuf
}

export type MessageType = protobuf.Type

/** A schema and the messages at the top of its file, in their order. */
export interface ProtoSchema {
  readonly root: protobuf.Root
  readonly messages: readonly MessageType[]
  /** Imports of which nobody knows the text. */
  readonly missing: readonly string[]
}

export interface ProtoSource {
  readonly name: string
  readonly text: string
  /** The source that one of its imports names. */
  readonly imported: (name: string) => ProtoSource | undefined
}

const MAX_FILES = 1000

/** Writers have these at hand, and register no schema for them. */
const BUILT_IN: ReadonlyMap<string, string> = new Map([
  ['google/type/decimal.proto', 'syntax = "proto3"; package google.type; message Decimal { string value = 1; }'],
  [
    'confluent/type/decimal.proto',
    'syntax = "proto3"; package confluent.type; message Decimal { bytes value = 1; uint32 precision = 2; int32 scale = 3; }',
  ],
])

function builtIn(name: string): ProtoSource | undefined {
  const text = BUILT_IN.get(name)
  return text === undefined ? undefined : { name, text, imported: () => undefined }
}

/** Parses a schema with all that it imports, or tells what is wrong with it. */
export function parsedProto(source: ProtoSource): ProtoSchema | string {
  const { Root, Namespace, parse, common } = library()
  const root = new Root()
  const seen = new Set([source.name])
  const missing: string[] = []
  let messages: readonly MessageType[] | undefined
  const queue = [source]
  for (const { name, text, imported } of queue) {
    try {
      const { package: within, imports = [], weakImports = [] } = parse(text, root, { keepCase: true })
      const own = within === undefined ? root : root.lookup(within)
      messages ??= own instanceof Namespace ? own.nestedArray.filter((each) => isMessage(each)) : []
      for (const path of [...imports, ...weakImports]) {
        if (seen.has(path)) continue
        seen.add(path)
        const bundled = common.get(path)
        const found = bundled === null ? (imported(path) ?? builtIn(path)) : undefined
        if (bundled !== null) root.addJSON(bundled.nested ?? {})
        else if (found === undefined) missing.push(path)
        else if (queue.push(found) > MAX_FILES) return `more than ${MAX_FILES} imports`
      }
    } catch (error) {
      return `${name}: ${messageOf(error)}`
    }
  }
  try {
    root.resolveAll()
  } catch {
    // A type that lacks may be one that nobody asks for. Each field that is asked for is resolved once more.
  }
  return { root, messages: messages ?? [], missing }
}

/** The message of a name, or what is wrong with it. Without a name it is the only one of the file. */
export function messageOfSchema({ root, messages }: ProtoSchema, name: string | undefined): MessageType | string {
  const known = messages.map(({ fullName }) => fullName.slice(1))
  const [only, ...more] = messages
  if (name === undefined) return only !== undefined && more.length === 0 ? only : `one of ${known.join(', ')}`
  const { Type } = library()
  const found = root.lookup(name, [Type])
  return found instanceof Type ? found : `a message of the schema: ${known.join(', ')}`
}

/** The message at the indexes from the outermost one to the innermost. Groups and maps have none, as in Confluent's Java. */
export function messageAt({ messages }: ProtoSchema, indexes: readonly number[]): MessageType | undefined {
  let within = messages
  let found: MessageType | undefined
  for (const index of indexes) {
    found = within[index]
    if (found === undefined) return undefined
    within = found.nestedArray.filter((each) => isMessage(each))
  }
  return found
}

function isMessage(each: protobuf.ReflectionObject): each is MessageType {
  return each instanceof library().Type && !('group' in each && each.group === true)
}

export type ProtoField =
  | { readonly field: protobuf.Field; readonly message: MessageType | undefined }
  | { readonly against: string }

/** A field of a message with the message that it holds, or what is wrong with it. */
export function fieldOf(type: MessageType, name: string): ProtoField | undefined {
  const field = Object.hasOwn(type.fields, name) ? type.fields[name] : undefined
  if (field === undefined) return undefined
  try {
    field.resolve()
  } catch (error) {
    return { against: messageOf(error) }
  }
  const { Type } = library()
  return { field, message: field.resolvedType instanceof Type ? field.resolvedType : undefined }
}

const MOST_WORDS = 200

/** The parser quotes what it did not understand, which may be long. */
function messageOf(error: unknown): string {
  const words = error instanceof Error ? error.message : String(error)
  return words.length > MOST_WORDS ? `${words.slice(0, MOST_WORDS)}…` : words
}
