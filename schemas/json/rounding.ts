import { NUMBER_FIELDS } from '../price-update.ts'

/** The fields of an update that are numbers. */
const NUMBERS: ReadonlySet<string> = new Set([...NUMBER_FIELDS, 'eventTimeMs', 'sequence'])

/** A double holds every decimal of so many digits. */
const EXACT_DIGITS = 15
/** More digits than this are not compared. A double of such a number may still be exact, but no source writes that. */
const MAX_COMPARED = 100

/** Whether a decimal has digits that the double which it was read as does not hold. */
export function isRounded(text: string, value: number): boolean {
  // JavaScript writes the fewest digits that give the same double, and most sources write like it.
  if ((text.length <= EXACT_DIGITS && value >= LEAST_EXACT) || String(value) === text) return false
  const digits = digitsOf(text)
  if (digits.length <= EXACT_DIGITS && value >= LEAST_EXACT) return false
  return digits.length > MAX_COMPARED || digitsOf(value.toPrecision(Math.max(1, digits.length))) !== digits
}

/** Smaller doubles hold fewer digits. */
const LEAST_EXACT = 2 ** -1022

/** The digits of a decimal that count, without its exponent. */
function digitsOf(text: string): string {
  const digits = text
    .replace(/[eE].*$/, '')
    .replace(/[^\d]/g, '')
    .replace(/^0+/, '')
  let end = digits.length
  while (digits[end - 1] === '0') end--
  return digits.slice(0, end)
}

/** Only a number of so many characters can have more digits than a double holds. */
const LONG_NUMBER_CHARS = 16
const TINY = /\de-\d{3}/i

/** Whether a number in the text may be one that a double does not hold. */
function mayBeRounded(text: string): boolean {
  // Such a number lies on one of these places, so the others need no look.
  for (let at = LONG_NUMBER_CHARS - 1; at < text.length; at += LONG_NUMBER_CHARS) {
    if (!isOfNumber(text, at)) continue
    let from = at
    while (from > 0 && isOfNumber(text, from - 1)) from--
    let end = at + 1
    while (end < text.length && isOfNumber(text, end)) end++
    if (end - from >= LONG_NUMBER_CHARS) return true
  }
  return (text.includes('e-') || text.includes('E-')) && TINY.test(text)
}

/** A digit or the point. */
function isOfNumber(text: string, at: number): boolean {
  const code = text.charCodeAt(at)
  return (code >= 0x30 && code <= 0x39) || code === 0x2e
}

/** As JSON.parse, but a number with one of the names that a double does not hold stays a text: none is rounded unseen. */
export function parsedJson(text: string, names: Pick<ReadonlySet<string>, 'has'> = NUMBERS): unknown {
  if (!mayBeRounded(text)) return JSON.parse(text)
  try {
    return JSON.parse(text, (key, value: unknown, context?: { readonly source?: string }) => {
      const source = context?.source
      return typeof value === 'number' && names.has(key) && source !== undefined && isRounded(source, value)
        ? source
        : value
    })
  } catch (cause) {
    // A value that is nested too deep for the callbacks may be read without them.
    if (cause instanceof RangeError) return JSON.parse(text)
    throw cause
  }
}
