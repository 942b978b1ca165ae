const SHOWN_CHARS = 60

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The type of a value that JSON.parse gave, as error messages say it. */
export function typeName(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'an object' : typeof value
}

/**
 * A value as error messages show it, cut where it is long. A list or an object is only named: writing down a deeply
 * nested one would overflow the stack.
 */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (typeof value === 'object') return typeName(value)
  if (typeof value === 'function') return 'a function'
  if (typeof value !== 'string') return shortened(String(value), SHOWN_CHARS)
  return JSON.stringify(value.slice(0, SHOWN_CHARS)) + (value.length > SHOWN_CHARS ? '…' : '')
}

/** The beginning of a text that may be of any length, for a message. */
export function shortened(text: string, mostChars = SHOWN_CHARS): string {
  return text.length > mostChars ? `${text.slice(0, mostChars)}…` : text
}

/** What was thrown, as error messages show it. It may be anything, also a value that throws when it is looked at. */
export function shownError(error: unknown): string {
  try {
    return shown(error instanceof Error ? error.message : String(error))
  } catch {
    return 'a value that cannot be shown'
  }
}
