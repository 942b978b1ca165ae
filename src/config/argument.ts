import { shortened, shown } from '../../schemas/json-value.ts'
import { ForewarmError } from '../forewarm-error.ts'
import type { Check } from './check.ts'

/** Checks an argument of a caller in the same process. Throws a ForewarmError 'bad-value' if it is not allowed. */
export function argument<T>(name: string, value: T, check: Check<T>): T {
  const parsed = check.parse(value, () => undefined)
  if (parsed === undefined)
    throw new ForewarmError('bad-value', `${name}: expected ${check.allowed}, got ${described(value)}`)
  return parsed
}

/** A value in an error message, whatever a caller has passed. */
export function described(value: unknown): string {
  return value === undefined ? 'undefined' : shown(value)
}

const LONGEST_WRITTEN = 80

/** The value of a setting in an error message, as it was written. */
export function written(value: unknown): string {
  const plain = (_: string, inner: unknown) => (typeof inner === 'bigint' ? String(inner) : inner)
  const words = value instanceof RegExp ? String(value) : (JSON.stringify(value, plain) ?? typeof value)
  return shortened(words, LONGEST_WRITTEN)
}
