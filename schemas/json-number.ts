const QUOTE = 0x22
const PLUS = 0x2b
const MINUS = 0x2d
const DOT = 0x2e
const ZERO = 0x30
const NINE = 0x39
const LETTER_E = 0x65

/** Integers below 10^15 and powers of ten up to 10^22 are exact doubles, so that one division rounds correctly (Clinger 1990). */
const MAX_DIGITS = 15
const POWERS_OF_TEN = Float64Array.from({ length: MAX_DIGITS + 1 }, (_, exponent) => 10 ** exponent)

/**
 * Reads a number at least 0 as JSON writes it, or the same in quotes, into `into[index]`; the position after it, or -1
 * for anything else.
 */
export function readNumber(bytes: Buffer, from: number, into: Float64Array, index: number): number {
  const quoted = bytes[from] === QUOTE
  const start = quoted ? from + 1 : from
  let at = start
  let mantissa = 0
  let byte = bytes[at] as number
  while (byte >= ZERO && byte <= NINE) {
    mantissa = mantissa * 10 + (byte - ZERO)
    byte = bytes[++at] as number
  }
  let digits = at - start
  if (digits === 0 || (digits > 1 && bytes[start] === ZERO)) return -1
  let decimals = 0
  if (byte === DOT) {
    const point = at
    byte = bytes[++at] as number
    while (byte >= ZERO && byte <= NINE) {
      mantissa = mantissa * 10 + (byte - ZERO)
      byte = bytes[++at] as number
    }
    decimals = at - point - 1
    if (decimals === 0) return -1
    digits += decimals
  }
  const isExact = digits <= MAX_DIGITS && (byte | 0x20) !== LETTER_E
  if (!isExact) at = exponentEnd(bytes, at)
  if (at < 0 || (quoted && bytes[at] !== QUOTE)) return -1
  const value = isExact
    ? decimals === 0
      ? mantissa
      : mantissa / (POWERS_OF_TEN[decimals] as number)
    : Number(bytes.toString('latin1', start, at))
  if (value === Number.POSITIVE_INFINITY) return -1
  into[index] = value
  return quoted ? at + 1 : at
}

/** Past the exponent, if there is one; -1 where it has no digits. */
function exponentEnd(bytes: Buffer, from: number): number {
  if (((bytes[from] as number) | 0x20) !== LETTER_E) return from
  let at = from + 1
  if (bytes[at] === PLUS || bytes[at] === MINUS) at++
  const start = at
  while ((bytes[at] as number) >= ZERO && (bytes[at] as number) <= NINE) at++
  return at > start ? at : -1
}
