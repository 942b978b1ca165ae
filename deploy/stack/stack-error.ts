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

/** Why the local stack cannot run. The message is one sentence for the person at the terminal. */
export class StackError extends Error {
  readonly code: StackErrorCode

  constructor(code: StackErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'StackError'
    this.code = code
  }
}

/**
 * The system's code of an error (`ENOENT`), if it has one. `instanceof Error` is not used: it is false for errors of
 * another realm, and Jest's tests get errors from one.
 */
export function systemCode(error: unknown): string | undefined {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : undefined
}
