import { isObject, shortened } from '../../schemas/json-value.ts'
import { ForewarmError } from '../forewarm-error.ts'
import { nearest } from '../nearest.ts'
import { described } from './argument.ts'
import type { Check } from './check.ts'

/** What a call takes: options that it checks itself (`true`), that have a check, or that hold options. */
export interface Options {
  readonly [name: string]: true | Check<unknown> | Options
}

/** The names of all options of a type, so that none is forgotten. Those of a union are of all its members. */
export type OptionsOf<T> = { readonly [K in T extends unknown ? keyof T : never]-?: Options[string] }

/** Throws a ForewarmError 'bad-value' for an unknown or misplaced option of a call, or a value that is not allowed. */
export function assertOptions<T>(call: string, given: T, known: OptionsOf<T>): void {
  const fault = faultOf(call, given, known as Options)
  if (fault !== undefined) throw new ForewarmError('bad-value', fault)
}

/** What is wrong with the options of a call, in words; undefined if nothing is. */
export function faultOf(call: string, given: unknown, known: Options): string | undefined {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    return `${call}: expected an object of options, got ${described(given)}`
  for (const [name, value] of Object.entries(given)) {
    const option = Object.hasOwn(known, name) ? known[name] : undefined
    if (option === undefined) return `${call}: there is no option ${shortened(name)}${hintOf(name, known)}`
    if (option === true || value === undefined) continue
    const fault = isCheck(option)
      ? faultyValue(`${call}: ${name}`, value, option)
      : faultOf(`${call}: ${name}`, value, option)
    if (fault !== undefined) return fault
  }
  return undefined
}

function faultyValue(name: string, value: unknown, { parse, allowed }: Check<unknown>): string | undefined {
  return parse(value, () => undefined) === undefined
    ? `${name}: expected ${allowed}, got ${described(value)}`
    : undefined
}

/** An option that stands one level too high or too low is found by its last name. */
function hintOf(name: string, known: Options): string {
  const inner = Object.entries(known).flatMap(([outer, option]) =>
    option === true || isCheck(option) ? [] : Object.keys(option).map((each) => [each, `${outer}.${each}`] as const),
  )
  const meant =
    nearest(name, Object.keys(known)) ??
    new Map(inner).get(
      nearest(
        name,
        inner.map(([each]) => each),
      ) ?? '',
    )
  return meant === undefined ? `; it takes ${Object.keys(known).join(', ')}` : `; did you mean ${meant}?`
}

function isCheck(option: Check<unknown> | Options): option is Check<unknown> {
  return typeof option.parse === 'function'
}

/** A number of the caller's own, without the texts that the environment has. */
export function numberFrom(min: number, allowed: string): Check<number> {
  return { allowed, parse: (input) => (typeof input === 'number' && input >= min ? input : undefined) }
}

export const callable: Check<unknown> = {
  allowed: 'a function',
  parse: (input) => (typeof input === 'function' ? input : undefined),
}

/** A switch of the caller's own, without the texts that the environment has. */
export const trueOrFalse: Check<boolean> = {
  allowed: 'true or false',
  parse: (input) => (typeof input === 'boolean' ? input : undefined),
}

export const anObject: Check<unknown> = {
  allowed: 'an object',
  parse: (input) => (isObject(input) ? input : undefined),
}

export const aClock: Check<unknown> = {
  allowed: 'a clock, with now()',
  parse: (input) => (isObject(input) && typeof input.now === 'function' ? input : undefined),
}

/** A time in milliseconds that may be unlimited. */
export const milliseconds = numberFrom(0, 'milliseconds from 0')
