import { assertOptions, milliseconds, type OptionsOf } from './options.ts'

interface MaxAge {
  readonly maxAgeMs?: number
}

const READ_OPTIONS: OptionsOf<MaxAge> = { maxAgeMs: milliseconds }

/** Throws a ForewarmError 'bad-value' for what is no age: any price would be young enough. */
export function assertReadOptions(options: MaxAge | undefined): void {
  if (options === undefined) return
  let others = 0
  for (const name in options) if (name !== 'maxAgeMs') others++
  const { maxAgeMs = 0 } = options
  // The rule is checked without an allocation, because reads are many.
  if (others > 0 || typeof maxAgeMs !== 'number' || !(maxAgeMs >= 0)) assertOptions('read', options, READ_OPTIONS)
}
