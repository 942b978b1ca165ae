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

/** Why the local stack cannot be had. The message is one sentence for the person at the terminal. */
export class StackError extends Error {
  readonly code: StackErrorCode

  constructor(code: StackErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'StackError'
    this.code = code
  }
}
