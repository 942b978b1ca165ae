import { InvalidArgumentError, Option } from 'commander'
import { nearest } from '../../src/nearest.ts'
import { MOMENT_WORDS, momentMs } from '../../src/replay/source/moment.ts'
import { UsageError } from '../usage-error.ts'

/** The options of every command that connects, or reads settings. */
export interface CommandFlags {
  readonly json?: boolean
  readonly config?: string
}

/** The options of every command that reads records of topics. */
export interface FormatFlags extends CommandFlags {
  readonly formats?: string
}

export function formatsOption(): Option {
  return new Option('--formats <file>', 'a module that exports formats; they come before those of the settings file')
}

export function configOption(): Option {
  return new Option('--config <file>', 'read settings from this file (default: forewarm.config.json, if it exists)')
}

/** Some of the options of a command; one that was not given is absent, so that its default applies. */
export function pick<T extends object, K extends keyof T>(options: T, names: readonly K[]): Pick<T, K> {
  const given = names.filter((name) => options[name] !== undefined)
  return Object.fromEntries(given.map((name) => [name, options[name]])) as Pick<T, K>
}

/** Throws a UsageError for an option that would change nothing. Undefined are those that were not given. */
export function refuseGiven(options: object, goesWith: string): void {
  const [name] = Object.entries(options).find(([, value]) => value !== undefined) ?? []
  if (name === undefined) return
  const option = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  throw new UsageError(`--${option} goes with ${goesWith}`)
}

/** Comma-separated, and the option may be given again. */
export function list(value: string, previous: readonly string[] = []): readonly string[] {
  const items = value.split(',').map((item) => item.trim())
  if (items.some((item) => item === ''))
    throw new InvalidArgumentError('Expected a list separated by commas, without empty items.')
  return [...previous, ...items]
}

/** Whole numbers from 0, each once; comma-separated, and the option may be given again. */
export function numbers(value: string, previous: readonly number[] = []): readonly number[] {
  return [...new Set([...previous, ...list(value).map(wholeNumber)])]
}

export function wholeNumber(value: string): number {
  if (!/^\d+$/.test(value) || !Number.isSafeInteger(Number(value)))
    throw new InvalidArgumentError('Expected a whole number.')
  return Number(value)
}

/** NaN if it is no decimal number; `Number` alone would read 0x10 as 16. */
function decimal(value: string): number {
  return /^-?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(value) ? Number(value) : Number.NaN
}

/** What `parse` makes of a value, unless it is less than `least` or more than `most`. */
function within(parse: (value: string) => number, [least, most]: readonly [number, number], expected: string) {
  return (value: string): number => {
    const number = parse(value)
    if (number >= least && number <= most) return number
    throw new InvalidArgumentError(`Expected ${expected}.`)
  }
}

const SECOND_US = 1_000_000
const DAY_MS = 86_400_000

export const positiveNumber = within(decimal, [Number.MIN_VALUE, Number.MAX_VALUE], 'a number above 0')
export const count = within(wholeNumber, [1, Number.MAX_SAFE_INTEGER], 'a whole number from 1')
export const microseconds = within(wholeNumber, [0, SECOND_US], `a whole number from 0 to ${SECOND_US}, a second`)
export const milliseconds = within(decimal, [0, DAY_MS], `a number from 0 to ${DAY_MS}, a day`)
export const percentage = within(decimal, [0, 100], 'a percentage from 0 to 100')
export const share = within(decimal, [0, 1], 'a share from 0 to 1')

export function bigOffset(value: string): bigint {
  if (!/^\d+$/.test(value)) throw new InvalidArgumentError('Expected an offset, a whole number from 0.')
  return BigInt(value)
}

export function moment(value: string): number {
  const ms = momentMs(value)
  if (ms === undefined) throw new InvalidArgumentError(`Expected ${MOMENT_WORDS}.`)
  return ms
}

/** Different items, comma-separated. */
export function listOf<T>(parse: (item: string) => T): (value: string) => readonly T[] {
  return (value) => [...new Set(list(value).map((item) => parse(item)))]
}

/** Some of a few names, comma-separated. */
export function someOf<const T extends string>(choices: readonly T[]): (value: string) => readonly T[] {
  return listOf((item) => known(item, choices))
}

function known<T extends string>(item: string, choices: readonly T[]): T {
  const choice = choices.find((name) => name === item)
  if (choice !== undefined) return choice
  const meant = nearest(item, choices)
  const hint = meant === undefined ? '' : ` Did you mean ${meant}?`
  throw new InvalidArgumentError(`${item} is unknown. Expected some of ${choices.join(', ')}.${hint}`)
}

export function oneOf<const T extends string>(choices: readonly T[]): (value: string) => T {
  return (value) => {
    const choice = choices.find((name) => name === value)
    if (choice === undefined) throw new InvalidArgumentError(`Expected one of ${choices.join(', ')}.`)
    return choice
  }
}
