import { StoredJson } from './stored-json.ts'

/** A value that JSON holds and gives back as it was. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue | undefined }

/**
 * The type itself, with `never` for all parts that JSON does not give back as they were. Unlike JsonValue, it takes interfaces:
 * a value of the type `T & JsonOf<T>` can be stored.
 */
export type JsonOf<T> = T extends string | number | boolean | null | undefined
  ? T
  : T extends
        | bigint
        | symbol
        | Date
        | RegExp
        | Error
        | ArrayBuffer
        | ArrayBufferView
        | ReadonlyMap<unknown, unknown>
        | ReadonlySet<unknown>
        | Promise<unknown>
        | ((...args: never[]) => unknown)
    ? never
    : { readonly [K in keyof T]: JsonOf<T[K]> }

/** Lists and objects in each other. JSON.parse and JSON.stringify can do more, up to the end of the stack. */
const MOST_DEEP = 512
/** The comma or the braces of each part: the least that it adds to the text. */
const LEAST_BYTES = 2
/** In characters; of a longer one, the end is shown. */
const LONGEST_PATH = 120

type Written =
  | { readonly ok: true; readonly json: StoredJson }
  /** `too-large`: its JSON has more bytes than allowed. Else it is no JSON value, as `detail` says. */
  | { readonly ok: false; readonly reason: 'too-large' | 'no-json'; readonly detail: string }

/** Writes a value as JSON, or says why JSON does not hold it as it is. */
export function jsonOf(value: unknown, mostBytes: number): Written {
  const walk = new Walk(mostBytes)
  const found = walk.faultOf(value)
  if (found === TOO_LARGE) return tooLarge(mostBytes)
  if (found !== undefined)
    return { ok: false, reason: 'no-json', detail: `value${walk.path} is ${found}, which JSON does not hold as it is` }
  const json = new StoredJson(JSON.stringify(value))
  return json.bytes > mostBytes ? tooLarge(mostBytes) : { ok: true, json }
}

function tooLarge(mostBytes: number): Written {
  return { ok: false, reason: 'too-large', detail: `its JSON has more than ${mostBytes} bytes` }
}

const TOO_LARGE = 'too large'

/** Looks at all parts of a value. It ends when these must take more bytes than are allowed, however often a part occurs. */
class Walk {
  /** The way to the part with the fault. */
  path = ''
  #bytesLeft: number
  readonly #around = new Set<object>()

  constructor(mostBytes: number) {
    this.#bytesLeft = mostBytes + LEAST_BYTES
  }

  /** What is wrong with a part of the value, in words; undefined if nothing is. */
  faultOf(part: unknown): string | undefined {
    this.#bytesLeft -= LEAST_BYTES + (typeof part === 'string' ? part.length : 0)
    if (this.#bytesLeft < 0) return TOO_LARGE
    switch (typeof part) {
      case 'string':
      case 'boolean':
        return undefined
      case 'number':
        return Number.isFinite(part) ? undefined : String(part)
      case 'object':
        return part === null ? undefined : this.#faultIn(part)
      case 'bigint':
        return `the bigint ${part}`
      default:
        return part === undefined ? 'undefined' : `a ${typeof part}`
    }
  }

  #faultIn(part: object): string | undefined {
    if (!isPlain(part)) return `an object of the class ${part.constructor?.name || 'without a name'}`
    if ('toJSON' in part && typeof part.toJSON === 'function') return 'an object with a toJSON'
    if (this.#around.has(part)) return 'an object that contains itself'
    if (this.#around.size >= MOST_DEEP) return `more than ${MOST_DEEP} levels deep`
    this.#around.add(part)
    const fault = Array.isArray(part) ? this.#faultInList(part) : this.#faultInObject(part)
    this.#around.delete(part)
    return fault
  }

  #faultInList(list: readonly unknown[]): string | undefined {
    for (let at = 0; at < list.length; at++) {
      const fault = this.faultOf(list[at])
      if (fault !== undefined) return this.#at(`[${at}]`, fault)
    }
    return undefined
  }

  /** A property that is undefined is left out, as JSON.stringify does: reading it gives undefined, as before. */
  #faultInObject(object: object): string | undefined {
    for (const [name, value] of Object.entries(object)) {
      if (value === undefined) continue
      this.#bytesLeft -= name.length
      const fault = this.faultOf(value)
      if (fault !== undefined) return this.#at(`.${name}`, fault)
    }
    return undefined
  }

  #at(step: string, fault: string): string {
    if (fault !== TOO_LARGE && this.path.length < LONGEST_PATH) this.path = step.slice(0, LONGEST_PATH) + this.path
    return fault
  }
}

/** JSON gives back lists and objects that are nothing else. Those of another realm have other prototypes, and as many. */
function isPlain(part: object): boolean {
  const prototype = Object.getPrototypeOf(part)
  if (prototype === null) return true
  const next = Object.getPrototypeOf(prototype)
  return Array.isArray(part) ? next !== null && Object.getPrototypeOf(next) === null : next === null
}
