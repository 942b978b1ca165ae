import { isObject, shown } from './json-value.ts'
import { type Refused, refused } from './refusal.ts'

/** Fields of the user's own, by their names, that a format keeps beside a price. */
export type Extra = Readonly<Record<string, string | number | boolean>>

export const MAX_EXTRA_FIELDS = 16
export const MAX_EXTRA_NAME_CHARS = 64
export const MAX_EXTRA_CHARS = 1_024

/** Whether a field may be so called. An object takes `__proto__` for something else. */
export function isExtraName(name: string): boolean {
  return name !== '' && name.length <= MAX_EXTRA_NAME_CHARS && name !== '__proto__'
}

/** The fields that are there, or the first reason against them. */
export function extraOf(came: unknown, index: number): { readonly ok: true; readonly extra?: Extra } | Refused {
  const at = `update ${index}: extra`
  if (came === undefined || came === null) return { ok: true }
  if (!isObject(came)) return refused('wrong-type', `${at}: expected an object, got ${shown(came)}`)
  const extra: Record<string, string | number | boolean> = {}
  let fields = 0
  for (const [name, value] of Object.entries(came)) {
    if (value === undefined || value === null) continue
    if (!isExtraName(name))
      return refused('bad-name', `${at}: expected names of 1 to ${MAX_EXTRA_NAME_CHARS} characters, got ${shown(name)}`)
    if (++fields > MAX_EXTRA_FIELDS) return refused('too-large', `${at}: at most ${MAX_EXTRA_FIELDS} fields, got more`)
    const against = refusalOf(value, `${at}.${name}`)
    if (against !== undefined) return against
    extra[name] = value as string | number | boolean
  }
  return fields === 0 ? { ok: true } : { ok: true, extra }
}

function refusalOf(value: unknown, at: string): Refused | undefined {
  if (typeof value === 'string') {
    if (value.length <= MAX_EXTRA_CHARS) return undefined
    return refused('too-large', `${at}: at most ${MAX_EXTRA_CHARS} characters, got ${value.length}`)
  }
  if (typeof value === 'boolean' || Number.isFinite(value)) return undefined
  if (typeof value === 'number') return refused('not-finite', `${at} is ${value}`)
  return refused('wrong-type', `${at}: expected a text, a number, true or false, got ${shown(value)}`)
}
