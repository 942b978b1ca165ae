import { type Command, InvalidArgumentError, Option } from 'commander'
import { nearest } from '../../src/config/nearest.ts'

export function jsonOption(): Option {
  return new Option('--json', 'print JSON instead of text')
}

export function configOption(): Option {
  return new Option('--config <file>', 'read settings from this file (default: forewarm.config.json, if it exists)')
}

export function examples(command: Command, lines: readonly string[]): void {
  command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  $ forewarm ${line}`).join('\n')}`)
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

export function positiveNumber(value: string): number {
  const number = decimal(value)
  if (!(number > 0) || !Number.isFinite(number)) throw new InvalidArgumentError('Expected a number above 0.')
  return number
}

export function count(value: string): number {
  const number = wholeNumber(value)
  if (number < 1) throw new InvalidArgumentError('Expected a whole number from 1.')
  return number
}

const SECOND_US = 1_000_000

/** Whole microseconds from 0 to a second. */
export function microseconds(value: string): number {
  const number = wholeNumber(value)
  if (number > SECOND_US) throw new InvalidArgumentError(`Expected a whole number from 0 to ${SECOND_US}, a second.`)
  return number
}

export function bigOffset(value: string): bigint {
  if (!/^\d+$/.test(value)) throw new InvalidArgumentError('Expected an offset, a whole number from 0.')
  return BigInt(value)
}

export function moment(value: string): string | number {
  if (/^\d+$/.test(value)) return Number(value)
  if (Number.isNaN(Date.parse(value)))
    throw new InvalidArgumentError('Expected a time like 2026-07-10T00:00Z, or milliseconds since 1970.')
  return value
}

/** Some of a few names, comma-separated. */
export function someOf<const T extends string>(choices: readonly T[]): (value: string) => readonly T[] {
  return (value) => [...new Set(list(value).map((item) => known(item, choices)))]
}

function known<T extends string>(item: string, choices: readonly T[]): T {
  const choice = choices.find((name) => name === item)
  if (choice !== undefined) return choice
  const meant = nearest(item, choices)
  const hint = meant === undefined ? '' : ` Did you mean ${meant}?`
  throw new InvalidArgumentError(`${item} is unknown. Expected some of ${choices.join(', ')}.${hint}`)
}

const DAY_MS = 86_400_000

/** Milliseconds from 0, comma-separated. */
export function times(value: string): readonly number[] {
  return [...new Set(list(value).map(time))]
}

/** Milliseconds from 0 to a day. */
export function time(value: string): number {
  const number = decimal(value)
  if (!(number >= 0 && number <= DAY_MS))
    throw new InvalidArgumentError(`Expected a number from 0 to ${DAY_MS}, a day.`)
  return number
}

export function share(value: string): number {
  const number = decimal(value)
  if (!(number >= 0 && number <= 1)) throw new InvalidArgumentError('Expected a share from 0 to 1.')
  return number
}

/** Numbers above 0, comma-separated. */
export function positiveNumbers(value: string): readonly number[] {
  return [...new Set(list(value).map(positiveNumber))]
}

export function oneOf<const T extends string>(choices: readonly T[]): (value: string) => T {
  return (value) => {
    const choice = choices.find((name) => name === value)
    if (choice === undefined) throw new InvalidArgumentError(`Expected one of ${choices.join(', ')}.`)
    return choice
  }
}
