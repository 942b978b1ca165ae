import { isDate, isNativeError } from 'node:util/types'
import { stdSerializers } from 'pino'

/** The longest text on a line, in characters. */
const MOST_CHARS = 4_000
/** Leaves room for the frames of the stack. */
const MOST_MESSAGE_CHARS = 1_000
/** A text is masked a little beyond its cut, so that a secret at the cut is found whole. */
const BEYOND_CHARS = 4_000
const MOST_ITEMS = 50
const MOST_DEPTH = 4

/** Masks secrets in a text. */
export type Mask = (text: string) => string

/**
 * What a line shows of a value, cut to a sane length: an error may carry a whole response, and a name may be as long as
 * a record. Never throws, because a detector may throw anything.
 */
export function shortened(value: unknown, mask: Mask, depth = MOST_DEPTH): unknown {
  try {
    return shortenedUnsafely(value, mask, depth)
  } catch {
    return 'a value that cannot be read'
  }
}

function shortenedUnsafely(value: unknown, mask: Mask, depth: number): unknown {
  if (typeof value === 'string') return shortText(value, mask)
  // JSON has no such values: it would leave them out, or call what a function is named after.
  if (typeof value === 'symbol' || typeof value === 'bigint') return shortText(String(value), mask)
  if (typeof value === 'function') return shortText(`function ${value.name}`, mask)
  if (typeof value !== 'object' || value === null) return value
  if (isDate(value)) return Date.prototype.toJSON.call(value)
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`
  if (depth === 0) return Array.isArray(value) ? `${value.length} items` : 'an object'
  if (Array.isArray(value)) return value.slice(0, MOST_ITEMS).map((item) => shortened(item, mask, depth - 1))
  const fields = isNativeError(value) || value instanceof Error ? errorFields(value, mask) : value
  const entries = Object.entries(fields).slice(0, MOST_ITEMS)
  return Object.fromEntries(entries.map(([key, field]) => [key, shortened(field, mask, depth - 1)]))
}

/** The stack begins with the message. Cutting the message there keeps the frames. */
function errorFields(error: Error, mask: Mask): object {
  const fields = stdSerializers.err(error)
  const message = shortText(fields.message, mask, MOST_MESSAGE_CHARS)
  const isCut = fields.message.length > MOST_MESSAGE_CHARS
  return { ...fields, message, stack: isCut ? fields.stack.replaceAll(fields.message, () => message) : fields.stack }
}

function shortText(text: string, mask: Mask, mostChars = MOST_CHARS): string {
  if (text.length <= mostChars) return mask(text)
  const end = mostChars + BEYOND_CHARS
  const masked = mask(text.slice(0, end))
  const kept = text.length <= end ? mostChars : Math.min(mostChars, masked.length - BEYOND_CHARS)
  return `${masked.slice(0, Math.max(kept, 0))}… (${text.length} characters)`
}
