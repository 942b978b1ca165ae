import { type Check, flag, integer } from './check.ts'

/** One row of the table: what it is called, what it may be, what it is when nobody says. */
export interface Setting<T> {
  /** The name in the environment. */
  readonly name: string
  readonly check: Check<T>
  readonly default: Default<T>
  /** One sentence, with the unit where there is one. */
  readonly doc: string
  /** `all` is never printed; of a URL only the password is not. */
  readonly secret?: 'all' | 'url-password'
}

export type Default<T> =
  | { readonly kind: 'fixed'; readonly value: T }
  /** Follows from a setting that stands earlier in the table; `words` say how. */
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
  return row.secret === 'url-password' ? words.replace(/(\/\/[^/@:]*:)[^/@]*@/g, `$1${HIDDEN}@`) : words
}
