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
const POWERS_OF_TEN = Float64Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`))

/** The number that was read last. */
export const NUMBER_READ = new Float64Array(1)
/** How many digits it had behind the point; -1 if it had an exponent, or more digits than are exact. */
export const DECIMALS_READ = new Int32Array(1)
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
    : readLong(view, start, at, decimals)
  if (value === Number.POSITIVE_INFINITY) return -1
  NUMBER_READ[0] = value
  DECIMALS_READ[0] = isExact ? decimals : -1
  return quoted ? at + 1 : at
}

/** Up to so many digits, both parts are exact as doubles, and so is their power of ten. */
const MAX_COMPARED = 18
const LOW_DIGITS = 8
/** Less than half a unit of the last digit, where the digits are those that the double gives. */
const SURELY_HELD = 0.49

function readLong(view: DataView, start: number, end: number, decimals: number): number {
  const text = Buffer.from(view.buffer, start, end - start).toString('latin1')
  const value = Number(text)
  // The comparison without texts spares nearly all doubles of other programs the slow one.
  const digits = end - start - (decimals > 0 ? 1 : 0)
  if (digits <= MAX_COMPARED && offBy(view, start, end, value, decimals) < SURELY_HELD) return value
  if (isRounded(text, value)) NUMBER_ROUNDED[0] = (NUMBER_ROUNDED[0] as number) + 1
  return value
}

/** How far a double is from the digits that it was read from, in units of the last of them; NaN if there is an exponent. */
function offBy(view: DataView, start: number, end: number, value: number, decimals: number): number {
  const power = POWERS_OF_TEN[decimals] as number
  const lowStart = end - LOW_DIGITS - (decimals > 0 && decimals <= LOW_DIGITS ? 1 : 0)
  let high = 0
  let low = 0
  for (let at = start; at < end; at++) {
    const digit = view.getUint8(at) - ZERO
    if (digit === DOT - ZERO) continue
    if (!(digit >= 0 && digit <= 9)) return Number.NaN
    if (at < lowStart) high = high * 10 + digit
    else low = low * 10 + digit
  }
  const product = value * power
  return Math.abs(product - high * 1e8 + (productError(value, power, product) - low))
}

/** What rounding took from a product (Dekker 1971). */
function productError(a: number, b: number, product: number): number {
  const aHigh = upperHalf(a)
  const bHigh = upperHalf(b)
  const aLow = a - aHigh
  const bLow = b - bHigh
  return aHigh * bHigh - product + aHigh * bLow + aLow * bHigh + aLow * bLow
}

function upperHalf(value: number): number {
  const scaled = value * 134_217_729
  return scaled - (scaled - value)
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
