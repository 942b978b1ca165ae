import { type Check, flag, integer } from './check.ts'

/** One row of the table: a setting's name, allowed values and default. */
export interface Setting<T> {
  /** The name in the environment. */
  readonly name: string
  readonly check: Check<T>
  readonly default: Default<T>
  /** What the setting does, in plain sentences, with its unit. */
  readonly doc: string
  /** `all`: the value is never printed. `url-password`: only the password in the URL is not. */
  readonly secret?: 'all' | 'url-password'
}

export type Default<T> =
  | { readonly kind: 'fixed'; readonly value: T }
  /** Depends on a setting above it in the table; `words` say how. */
  | { readonly kind: 'derived'; readonly words: string; of(chosen: (name: string) => unknown): T }

export function fixed<T>(value: T): Default<T> {
  return { kind: 'fixed', value }
}

export function setting<T>(row: Setting<T>): Setting<T> {
  return row
}

export function optional<T>(row: Omit<Setting<T>, 'default'>): Setting<T | undefined> {
  return { ...row, default: fixed(undefined) }
}

export function whole(name: string, range: readonly [min: number, max: number, otherwise: number], doc: string) {
  return setting({ name, check: integer(range[0], range[1]), default: fixed(range[2]), doc })
}

export function onOff(name: string, otherwise: boolean, doc: string): Setting<boolean> {
  return setting({ name, check: flag, default: fixed(otherwise), doc })
}

const HIDDEN = '********'

/** A value as it may be printed. */
export function printed(row: Setting<unknown>, value: unknown): string {
  if (value === undefined) return ''
  if (row.secret === 'all') return HIDDEN
  const words = Array.isArray(value) ? value.join(',') : String(value)
  return row.secret === 'url-password' ? words.replace(/(\/\/[^/@:]*:)[^/]*@/g, `$1${HIDDEN}@`) : words
}
