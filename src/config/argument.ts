import { shown } from '../../schemas/json-value.ts'
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
  if (typeof value === 'string') return shown(value)
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}
