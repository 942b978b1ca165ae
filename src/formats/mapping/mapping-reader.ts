import { isObject } from '../../../schemas/json-value.ts'
import { nearest } from '../../nearest.ts'
import { type Path, pathOf } from '../path.ts'
import type { Place } from './mapping.ts'
import type { MappingFault } from './mapping-fault.ts'

const PLACES = ['path', 'outer', 'const', 'topic', 'key', 'header', 'timestamp'] as const
const PATH_WORDS = 'a path such as a.b.0.c or /a/b/0/c'

/** Reads the parts of a mapping. What is not allowed becomes a problem, and reads as if it were not there. */
export class MappingReader {
  readonly #problems: MappingFault[]
  /** The named groups of the pattern that names the topics. */
  readonly #groups: readonly string[]

  /** Gives the text of a file; undefined if it cannot be read. */
  readonly readFile: (path: string) => string | undefined

  constructor(options: {
    readonly problems: MappingFault[]
    readonly groups: readonly string[]
    readonly readFile: (path: string) => string | undefined
  }) {
    this.#problems = options.problems
    this.#groups = options.groups
    this.readFile = options.readFile
  }

  /** How many problems there are. */
  get problems(): number {
    return this.#problems.length
  }

  problem(setting: string, received: unknown, allowed: string): undefined {
    const words = received === undefined ? 'nothing' : (JSON.stringify(received) ?? String(received))
    this.#problems.push({ setting, received: words.slice(0, 80), allowed })
  }

  unknownKeys(raw: Readonly<Record<string, unknown>>, at: string, known: readonly string[]): void {
    for (const key of Object.keys(raw)) {
      if (known.includes(key)) continue
      const meant = nearest(key, known)
      this.problem(
        `${at}.${key}`,
        raw[key],
        meant === undefined ? `one of ${known.join(', ')}` : `did you mean ${meant}?`,
      )
    }
  }

  oneOf<T extends string>(raw: unknown, at: string, allowed: readonly T[]): T | undefined {
    if (raw === undefined) return undefined
    return allowed.find((each) => each === raw) ?? this.problem(at, raw, allowed.join(', '))
  }

  flag(raw: unknown, at: string): boolean {
    if (raw !== undefined && typeof raw !== 'boolean') this.problem(at, raw, 'true or false')
    return raw === true
  }

  /** A whole number from −most to `most`. */
  integer(raw: unknown, at: string, most: number): number | undefined {
    if (raw === undefined) return undefined
    if (typeof raw === 'number' && Number.isInteger(raw) && Math.abs(raw) <= most) return raw
    return this.problem(at, raw, `a whole number from −${most} to ${most}`)
  }

  path(raw: unknown, at: string): Path | undefined {
    if (raw === undefined) return undefined
    return (typeof raw === 'string' ? pathOf(raw) : undefined) ?? this.problem(at, raw, PATH_WORDS)
  }

  /** A path, or a list of them of which the first counts that leads somewhere. The empty one leads to the record itself. */
  paths(raw: unknown, at: string): readonly Path[] {
    if (raw === undefined) return []
    if (!Array.isArray(raw)) return [this.path(raw, at)].filter((path) => path !== undefined)
    const path = (each: unknown, i: number) => (each === '' ? [] : this.path(each ?? null, `${at}.${i}`))
    return raw.map(path).filter((each) => each !== undefined)
  }

  /** A path, or an object that names one place. `options`: what else the object may have. */
  place(raw: unknown, at: string, options: readonly string[]): Place | undefined {
    if (typeof raw === 'string') {
      const path = this.path(raw, at)
      return path === undefined ? undefined : { from: 'item', path }
    }
    if (!isObject(raw)) return this.problem(at, raw, `${PATH_WORDS}, or an object with one of ${PLACES.join(', ')}`)
    this.unknownKeys(raw, at, [...PLACES, ...options])
    const given = PLACES.filter((place) => raw[place] !== undefined)
    const [place] = given
    if (place === undefined || given.length > 1) return this.problem(at, raw, `one of ${PLACES.join(', ')}`)
    return this.#placeOf(place, raw[place], `${at}.${place}`)
  }

  #placeOf(place: (typeof PLACES)[number], value: unknown, at: string): Place | undefined {
    if (place === 'path' || place === 'outer') {
      const path = this.path(value, at)
      return path === undefined ? undefined : { from: place === 'path' ? 'item' : 'outer', path }
    }
    if (place === 'const') {
      if (typeof value === 'string' || typeof value === 'number') return { from: 'const', value }
      return this.problem(at, value, 'a text or a number')
    }
    if (place === 'key' || place === 'timestamp')
      return value === true ? { from: place } : this.problem(at, value, 'true')
    if (place === 'header')
      return typeof value === 'string' && value !== ''
        ? { from: 'header', name: value }
        : this.problem(at, value, 'a name')
    if (value === true) return { from: 'topic', group: '' }
    if (typeof value === 'string' && this.#groups.includes(value)) return { from: 'topic', group: value }
    const groups = this.#groups.length === 0 ? 'the pattern has none' : this.#groups.join(', ')
    return this.problem(at, value, `true, or a named group of the topic's pattern (${groups})`)
  }
}
