import { areDigits, fourDigits } from '../record-bytes.ts'
import { isRounded } from './rounding.ts'

const QUOTE = 0x22
const PLUS = 0x2b
const MINUS = 0x2d
const DOT = 0x2e
const ZERO = 0x30
const NINE = 0x39
const LETTER_E = 0x65

/** Integers below 10^15 and powers of ten to 10^22 are exact, so one division rounds correctly (Clinger 1990). */
const MAX_DIGITS = 15
const POWERS_OF_TEN = Float64Array.from({ length: MAX_DIGITS + 1 }, (_, exponent) => 10 ** exponent)

/** The number that was read last. */
export const NUMBER_READ = new Float64Array(1)
/** How many numbers had more digits than a double holds since this was set to 0. */
export const NUMBER_ROUNDED = new Int32Array(1)
/** The position after the digits that were read last. */
const DIGITS_END = new Int32Array(1)

/**
 * Reads a number that is at least 0, as JSON writes it or the same in quotes, into NUMBER_READ. Returns the position
 * after it, or -1 for anything else.
 */
export function readNumber(view: DataView, from: number, end: number): number {
  if (from >= end) return -1
  const quoted = view.getUint8(from) === QUOTE
  const start = quoted ? from + 1 : from
  let mantissa = readDigits(view, start, end, 0)
  let at = DIGITS_END[0] as number
  let digits = at - start
  if (digits === 0 || (digits > 1 && view.getUint8(start) === ZERO)) return -1
  let decimals = 0
  if (at < end && view.getUint8(at) === DOT) {
    mantissa = readDigits(view, at + 1, end, mantissa)
    decimals = (DIGITS_END[0] as number) - at - 1
    if (decimals === 0) return -1
    digits += decimals
    at += decimals + 1
  }
  // A record does not end within a number.
  if (at >= end) return -1
  const isExact = digits <= MAX_DIGITS && (view.getUint8(at) | 0x20) !== LETTER_E
  if (!isExact) at = exponentEnd(view, at, end)
  if (at < 0 || (quoted && (at >= end || view.getUint8(at) !== QUOTE))) return -1
  const value = isExact
    ? decimals === 0
      ? mantissa
      : mantissa / (POWERS_OF_TEN[decimals] as number)
    : readLong(Buffer.from(view.buffer, start, at - start).toString('latin1'))
  if (value === Number.POSITIVE_INFINITY) return -1
  NUMBER_READ[0] = value
  return quoted ? at + 1 : at
}

function readLong(text: string): number {
  const value = Number(text)
  if (isRounded(text, value)) NUMBER_ROUNDED[0] = (NUMBER_ROUNDED[0] as number) + 1
  return value
}

/** Returns `value` with the digits from `from` on appended. The position after them is left in DIGITS_END. */
function readDigits(view: DataView, from: number, end: number, value: number): number {
  let read = value
  let at = from
  while (at + 4 <= end) {
    const word = view.getInt32(at, true)
    if (!areDigits(word)) break
    read = read * 10_000 + fourDigits(word)
    at += 4
  }
  while (at < end) {
    const byte = view.getUint8(at)
    if (byte < ZERO || byte > NINE) break
    read = read * 10 + (byte - ZERO)
    at++
  }
  DIGITS_END[0] = at
  return read
}

/** Returns the position after the exponent, if there is one; -1 if it has no digits. */
function exponentEnd(view: DataView, from: number, end: number): number {
  if (from >= end || (view.getUint8(from) | 0x20) !== LETTER_E) return from
  let at = from + 1
  if (at < end && (view.getUint8(at) === PLUS || view.getUint8(at) === MINUS)) at++
  readDigits(view, at, end, 0)
  const last = DIGITS_END[0] as number
  return last > at ? last : -1
}
