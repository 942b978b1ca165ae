import { MOST_DIGITS, type RowFields } from '../flat/flat-row.ts'
import { type AskedValue, Places } from '../flat/places.ts'
import type { Condition, Mapping } from '../mapping/mapping.ts'
import type { Path } from '../path.ts'
import type { TopicGroups } from '../scope.ts'
import type { TimeUnit } from '../time.ts'
import type { AvroField, AvroRecord, AvroTime, AvroType } from './schema.ts'
import { type Skip, Skips } from './skip.ts'

/** The steps of a plan: what comes next in the bytes. */
export const STEP = {
  /** `a`: the branch that is null; `b`: the step after the value. */
  optional: 0,
  skipLong: 1,
  skipFixed: 2,
  /** `a`: a bit for each symbol for which the exact reading is asked; `b`: the number of symbols. */
  guard: 3,
  /** `a`: the function that moves past it. */
  skipOther: 4,
  /** The rest put a value in place `a`. `b`: digits behind the point of a whole number. */
  long: 5,
  double: 6,
  float: 7,
  /** `c`: bytes. */
  fixedDecimal: 8,
  /** Nanoseconds, put as milliseconds. */
  nanos: 9,
  /** The length in bytes comes first. */
  skipBytes: 10,
  name: 11,
  decimal: 12,
  textNumber: 13,
} as const

/** Only so many symbols have a bit. */
export const MOST_GUARDED = 31

/** How a value is read that gives one row. */
export interface RowPlan {
  /** Four numbers a step: what it is, then a, b and c. */
  readonly steps: Int32Array
  readonly skips: readonly Skip[]
  readonly fields: RowFields
}

/** Undefined if mapping or schema say more than a plan can do. */
export function rowPlanOf(
  root: AvroType,
  mapping: Mapping,
  on: { readonly topic: string; readonly groups: TopicGroups },
): RowPlan | undefined {
  const { record, text, updates, extra, skip, delete: deletes } = mapping
  if (record.length > 0 || text !== undefined || updates !== undefined || extra.length > 0) return undefined
  if (root.kind !== 'record') return undefined
  const guards = guardsOf(root, [...skip, ...deletes])
  if (guards === undefined) return undefined
  const places = new Places(on.topic, on.groups)
  const fields = places.fieldsOf(mapping)
  if (fields === undefined) return undefined
  const steps = new Steps(places.asked, guards)
  const isReadable = steps.add(root, [])
  const { timeUnit } = steps
  if (!isReadable || timeUnit === undefined) return undefined
  const given = mapping.fields.eventTimeMs?.isUnitGiven ? mapping.fields.eventTimeMs.unit : undefined
  const factors = factorsOf(given ?? timeUnit, timeUnit)
  if (factors === undefined) return undefined
  const [timeFactor, timeDivisor] = factors
  return {
    steps: Int32Array.from(steps.numbers),
    skips: steps.skips,
    fields: { ...fields, places: places.count, timeFactor, timeDivisor },
  }
}

/** A symbol of an enum that a condition asks for. */
interface Guard {
  readonly path: Path
  readonly symbol: string
}

/** Undefined if a condition asks for something else. */
function guardsOf(root: AvroType, conditions: readonly Condition[]): readonly Guard[] | undefined {
  const guards: Guard[] = []
  for (const condition of conditions) {
    if (!('test' in condition)) continue
    const { path, test, isOuter } = condition
    if (test.kind === 'absent') return undefined
    // A path that the schema does not have leads nowhere, and no condition on it holds.
    if (isOuter || !has(root, path)) continue
    if (test.kind !== 'equals' || typeof test.value !== 'string') return undefined
    guards.push({ path, symbol: test.value })
  }
  return guards
}

function factorsOf(unit: TimeUnit, read: string): readonly [number, number] | undefined {
  // The step itself makes milliseconds of them.
  if (read === 'ns') return unit === 'ns' ? [1, 1] : undefined
  if (unit === 'ms') return [1, 1]
  if (unit === 's') return [1_000, 1]
  return unit === 'us' ? [1, 1_000] : undefined
}

function has(type: AvroType, [name, ...rest]: Path): boolean {
  if (name === undefined) return true
  if (type.kind === 'union') return type.branches.some((branch) => has(branch, [name, ...rest]))
  if (type.kind !== 'record') return type.kind === 'array' || type.kind === 'map'
  return type.fields.some((field) => (field.name === name || field.aliases.includes(name)) && has(field.type, rest))
}

function isThrough(asked: { readonly path: Path }, path: Path): boolean {
  return path.every((name, i) => asked.path[i] === name)
}

/** Writes the steps through a value. Its functions return whether there are any that do. */
class Steps {
  readonly numbers: number[] = []
  readonly skips: Skip[] = []
  readonly #asked: readonly AskedValue[]
  readonly #guards: readonly Guard[]
  readonly #makers = new Skips()
  /** The unit of the time, as the schema has it: without one, milliseconds. */
  timeUnit: TimeUnit | undefined

  constructor(asked: readonly AskedValue[], guards: readonly Guard[]) {
    this.#asked = asked
    this.#guards = guards
  }

  add(type: AvroType, path: Path): boolean {
    const within = this.#asked.filter((asked) => isThrough(asked, path))
    const guards = this.#guards.filter((guard) => isThrough(guard, path))
    if (within.length + guards.length === 0) return this.#skip(type)
    if (type.kind === 'union') return this.#union(type.branches, path)
    if (type.kind === 'enum') return within.length === 0 && this.#guard(type.symbols, guards)
    const leaf = within.find((asked) => asked.path.length === path.length)
    if (leaf !== undefined) return within.length + guards.length === 1 && this.#value(type, leaf)
    if (type.kind !== 'record') return false
    return type.fields.every((field) => this.add(field.type, [...path, this.#knownAs(field, type, path)]))
  }

  /** The name by which the mapping knows the field, which may be an earlier one. */
  #knownAs({ name, aliases }: AvroField, { fields }: AvroRecord, path: Path): string {
    const leadsThrough = (to: string) =>
      [...this.#asked, ...this.#guards].some((asked) => isThrough(asked, [...path, to]))
    if (leadsThrough(name)) return name
    return aliases.find((alias) => leadsThrough(alias) && !fields.some((field) => field.name === alias)) ?? name
  }

  #union(branches: readonly AvroType[], path: Path): boolean {
    const absent = branches.findIndex(({ kind }) => kind === 'null')
    const value = branches[1 - absent]
    if (branches.length !== 2 || absent < 0 || value === undefined) return false
    const step = this.numbers.length
    this.#step(STEP.optional, absent)
    const isReadable = this.add(value, path)
    this.numbers[step + 2] = this.numbers.length
    return isReadable
  }

  #guard(symbols: readonly string[], guards: readonly Guard[]): boolean {
    const asked = guards.map(({ symbol }) => symbols.indexOf(symbol)).filter((at) => at >= 0)
    const bits = asked.reduce((all, at) => all | (1 << at), 0)
    return asked.every((at) => at < MOST_GUARDED) && this.#step(STEP.guard, bits, symbols.length)
  }

  #skip(type: AvroType): boolean {
    switch (type.kind) {
      case 'null':
        return true
      case 'int':
      case 'long':
      case 'enum':
        return this.#step(STEP.skipLong)
      case 'string':
      case 'bytes':
        return this.#step(STEP.skipBytes)
      case 'boolean':
        return this.#step(STEP.skipFixed, 1)
      case 'float':
        return this.#step(STEP.skipFixed, 4)
      case 'double':
        return this.#step(STEP.skipFixed, 8)
      case 'fixed':
        return this.#step(STEP.skipFixed, type.size)
      default:
        this.skips.push(this.#makers.of(type))
        return this.#step(STEP.skipOther, this.skips.length - 1)
    }
  }

  #value(type: AvroType, { at, kind, scale }: AskedValue): boolean {
    if (kind === 'name') return type.kind === 'string' && this.#step(STEP.name, at)
    if (kind === 'time') return type.kind === 'long' && this.#time(type.time, at)
    const digits = scale + ('scale' in type ? (type.scale ?? Number.NaN) : 0)
    if (!(digits <= MOST_DIGITS)) return false
    if (type.kind === 'bytes') return this.#step(STEP.decimal, at, digits)
    if (type.kind === 'fixed') return this.#step(STEP.fixedDecimal, at, digits, type.size)
    if (type.kind === 'int' || type.kind === 'long') return type.time === undefined && this.#step(STEP.long, at, digits)
    if (scale > 0) return false
    if (type.kind === 'double') return this.#step(STEP.double, at)
    if (type.kind === 'float') return this.#step(STEP.float, at)
    return type.kind === 'string' && this.#step(STEP.textNumber, at)
  }

  #time(unit: AvroTime | undefined, at: number): boolean {
    this.timeUnit = unit ?? 'ms'
    return this.#step(unit === 'ns' ? STEP.nanos : STEP.long, at)
  }

  #step(step: number, a = 0, b = 0, c = 0): true {
    this.numbers.push(step, a, b, c)
    return true
  }
}
