import { assertOptions, milliseconds, type OptionsOf } from './options.ts'

interface MaxAge {
  readonly maxAgeMs?: number
}

interface Accepted extends MaxAge {
  readonly maxBehindMs?: number
}

const MAX_AGE: OptionsOf<MaxAge> = { maxAgeMs: milliseconds }
const READ_OPTIONS: OptionsOf<Accepted> = { ...MAX_AGE, maxBehindMs: milliseconds }

/** Throws a ForewarmError 'bad-value' for what is no age and no distance: any price would be young enough. */
export function assertReadOptions(options: Accepted | undefined): void {
  if (options === undefined) return
  let others = typeof options === 'object' ? 0 : 1
  for (const name in options) if (name !== 'maxAgeMs' && name !== 'maxBehindMs') others++
  // Callers without types pass null, too.
  const { maxAgeMs = 0, maxBehindMs = 0 } = (options as Accepted | null) ?? { maxAgeMs: -1 }
  // The rules are checked without an allocation, because reads are many.
  if (others > 0 || !isDuration(maxAgeMs) || !isDuration(maxBehindMs)) assertOptions('read', options, READ_OPTIONS)
}

/** As `assertReadOptions`, for values of which nobody knows whether they are the newest. */
export function assertMaxAge(options: MaxAge | undefined): void {
  if (options === undefined) return
  if (typeof options !== 'object' || options === null) assertOptions('read', options, MAX_AGE)
  const { maxAgeMs = 0 } = options
  for (const name in options) if (name !== 'maxAgeMs' || !isDuration(maxAgeMs)) assertOptions('read', options, MAX_AGE)
}

function isDuration(ms: unknown): boolean {
  return typeof ms === 'number' && ms >= 0
}
