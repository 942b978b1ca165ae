/** A decimal as sources write it. */
const DECIMAL = /^([+-]?)(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/
/** Longer texts are not looked into: no price has so many digits. */
const MAX_CHARS = 400
/** Exponents beyond this give 0 or infinity anyway. */
const MAX_EXPONENT = 100_000

interface Parts {
  readonly sign: string
  readonly whole: string
  readonly fraction: string
  readonly exponent: number
}

/** The decimal in a number or text; undefined if there is none. */
function partsOf(value: unknown): Parts | undefined {
  const text = typeof value === 'number' ? String(value) : value
  if (typeof text !== 'string' || text.length > MAX_CHARS) return undefined
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = DECIMAL.exec(text) ?? []
  if (whole === '' && fraction === '') return undefined
  return { sign, whole, fraction, exponent: Number(exponent) }
}

/**
 * The number × 10^exponent as a decimal text of the same digits, so that nothing is rounded twice. What is no decimal is
 * returned as it came, and is refused by the checks of all updates. Undefined for a text of too many digits.
 */
export function shifted(value: unknown, exponent: number): unknown {
  if (exponent === 0) return value
  const parts = partsOf(value)
  if (parts === undefined) return typeof value === 'string' && value.length > MAX_CHARS ? undefined : value
  const sum = Math.max(-MAX_EXPONENT, Math.min(parts.exponent + exponent, MAX_EXPONENT))
  // No digit is added: as many as there are behind the point has the middle of two.
  return `${parts.sign}${parts.whole || '0'}${parts.fraction && `.${parts.fraction}`}e${sum}`
}

/** The whole part of the number × 10^exponent, towards 0; undefined for what is no decimal, or has more than 30 digits. */
export function wholeOf(value: unknown, exponent: number): number | undefined {
  const parts = partsOf(value)
  if (parts === undefined) return undefined
  const point = parts.whole.length + parts.exponent + exponent
  const digits = parts.whole + parts.fraction
  if (point > 30 || digits.length > MAX_CHARS) return undefined
  const whole = point <= 0 ? '0' : digits.slice(0, point).padEnd(point, '0')
  return Number(parts.sign + whole)
}

/** How many digits stand before the point. */
export function wholeDigits(value: unknown): number | undefined {
  const parts = partsOf(value)
  return parts === undefined ? undefined : parts.whole.replace(/^0+/, '').length + parts.exponent
}

/** A decimal without an exponent, which is what most sources write. */
const PLAIN = /^[+-]?\d+(?:\.\d*)?$/
/** Powers of ten up to here are exact as doubles. */
const MOST_DECIMALS = 22
const POWERS_OF_TEN = Float64Array.from({ length: MOST_DECIMALS + 1 }, (_, exponent) => Number(`1e${exponent}`))

/** The middle of two numbers, of as many decimals as it has: (64012.1 + 64012.2) ÷ 2 is 64012.15. Undefined if one is none. */
export function middleOf(one: unknown, other: unknown): number | undefined {
  const decimals = Math.max(decimalsOf(one), decimalsOf(other))
  return Number.isNaN(decimals) ? undefined : middle(Number(one), Number(other), decimals)
}

/** The same of numbers with at most so many decimals. */
export function middle(one: number, other: number, decimals: number): number {
  const between = (one + other) / 2
  const power = decimals < MOST_DECIMALS ? (POWERS_OF_TEN[decimals + 1] as number) : Number.POSITIVE_INFINITY
  const scaled = between * power
  return Math.abs(scaled) < Number.MAX_SAFE_INTEGER / 2 ? Math.round(scaled) / power : between
}

export function isDecimal(value: unknown): boolean {
  return !Number.isNaN(decimalsOf(value))
}

/** How many digits stand behind the point; NaN for what is no decimal. */
function decimalsOf(value: unknown): number {
  const text = typeof value === 'number' ? String(value) : value
  if (typeof text !== 'string') return Number.NaN
  if (PLAIN.test(text)) return text.includes('.') ? text.length - text.indexOf('.') - 1 : 0
  const parts = partsOf(text)
  return parts === undefined ? Number.NaN : Math.max(parts.fraction.length - parts.exponent, 0)
}

/** One letter more than groups of four is less than a byte: it was cut off. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2,4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)$/
const HEX = /^0[xX][0-9a-fA-F]{1,64}$/
/** A decimal of more than so many bytes is no price. */
const MAX_BYTES = 64

/** The integer in base64, big-endian in two's complement, as Kafka Connect and Debezium write decimals. */
export function integerOfBase64(value: unknown): string | undefined {
  if (typeof value !== 'string' || !BASE64.test(value)) return undefined
  return integerOfBytes(Buffer.from(value, 'base64'))
}

/** The integer in bytes, big-endian in two's complement. */
export function integerOfBytes(bytes: Buffer): string | undefined {
  if (bytes.length === 0 || bytes.length > MAX_BYTES) return undefined
  return String(BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString('hex')}`)))
}

/** The unsigned integer in a text such as `0x1f`. */
export function integerOfHex(value: unknown): string | undefined {
  return typeof value === 'string' && HEX.test(value) ? String(BigInt(value)) : undefined
}
