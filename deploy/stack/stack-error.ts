export type StackErrorCode =
  | 'java-missing'
  | 'java-too-old'
  | 'maven-missing'
  | 'platform-unknown'
  | 'fetch-failed'
  | 'format-failed'
  | 'exited'
  | 'not-ready'
  | 'busy'
  | 'half-given'

/** Why the local stack cannot be had. The message is one sentence for the person at the terminal. */
export class StackError extends Error {
  readonly code: StackErrorCode

  constructor(code: StackErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'StackError'
    this.code = code
  }
}

/**
 * The system's name for what went wrong (`ENOENT`), if it has one. Asked of the value itself, as `instanceof Error` is
 * false for errors that come from another realm, which is where Jest's tests get theirs from.
 */
export function systemCode(error: unknown): string | undefined {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : undefined
}
