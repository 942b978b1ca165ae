import { isObject } from '../../schemas/json-value.ts'
import { isOwnStrategy } from '../strategy/own-strategy.ts'
import { type Check, flag, integer } from './check.ts'

/** A setting's name, allowed values and default. */
export interface Row<T> {
  /** The name in the environment. */
  readonly name: string
  readonly check: Check<T>
  readonly default: Default<T>
  /** What the setting does, in plain sentences, with its unit. */
  readonly doc: string
  /** `all`: the value is never printed. `url-password`: only the password in the URL is not. */
  readonly secret?: 'all' | 'url-password'
}

/** Whether a setting can change while a node runs; if not, why. */
export type Changes = 'while running' | { readonly atStart: string }

/** One row of the table. */
export interface Setting<T> extends Row<T> {
  readonly changes: Changes
}

type Rows = Readonly<Record<string, Row<unknown>>>
type SettingsOf<R extends Rows> = { readonly [K in keyof R]: R[K] & Pick<Setting<unknown>, 'changes'> }

/** Settings of which a node takes a new value at its next start; `why`: the reason, in words that follow "only at start:". */
export function atStart<R extends Rows>(why: string, rows: R): SettingsOf<R> {
  return withChanges(rows, { atStart: why })
}

/** Settings of which a node takes a new value while it runs. */
export function whileRunning<R extends Rows>(rows: R): SettingsOf<R> {
  return withChanges(rows, 'while running')
}

function withChanges<R extends Rows>(rows: R, changes: Changes): SettingsOf<R> {
  const settings = Object.entries(rows).map(([key, row]) => [key, { ...row, changes }])
  return Object.fromEntries(settings) as SettingsOf<R>
}

export type Default<T> =
  | { readonly kind: 'fixed'; readonly value: T }
  /** Depends on a setting above it in the table; `words` say how. */
  | { readonly kind: 'derived'; readonly words: string; of(chosen: (name: string) => unknown): T }

export function fixed<T>(value: T): Default<T> {
  return { kind: 'fixed', value }
}

export function setting<T>(row: Row<T>): Row<T> {
  return row
}

export function optional<T>(row: Omit<Row<T>, 'default'>): Row<T | undefined> {
  return { ...row, default: fixed(undefined) }
}

export function whole(name: string, range: readonly [min: number, max: number, otherwise: number], doc: string) {
  return setting({ name, check: integer(range[0], range[1]), default: fixed(range[2]), doc })
}

export function onOff(name: string, otherwise: boolean, doc: string): Row<boolean> {
  return setting({ name, check: flag, default: fixed(otherwise), doc })
}

const HIDDEN = '********'

/** A value as it may be printed. */
export function printed(row: Pick<Row<unknown>, 'secret'>, value: unknown): string {
  if (value === undefined) return ''
  if (row.secret === 'all') return HIDDEN
  if (isOwnStrategy(value)) return value.name
  const words = isPlain(value) ? JSON.stringify(value) : Array.isArray(value) ? value.join(',') : String(value)
  return row.secret === 'url-password' ? words.replace(/(\/\/[^/@:]*:)[^/]*@/g, `$1${HIDDEN}@`) : words
}

function isPlain(value: unknown): boolean {
  return isObject(value) && !(value instanceof RegExp)
}
