/** The codes of the errors that the library throws on purpose. */
export type ForewarmErrorCode =
  | 'bad-config'
  | 'bad-value'
  | 'kafka-unreachable'
  | 'registry-unreachable'
  | 'topics-unusable'
  | 'port-unusable'
  | 'bad-shared-memory'
  | 'patterns-not-saved'
  | 'closed'
  | 'refused'

/**
 * An error that the library throws on purpose. Its message says what was expected and what was given. `retriable`: trying
 * again can help.
 */
export class ForewarmError extends Error {
  readonly code: ForewarmErrorCode
  readonly retriable: boolean

  constructor(
    code: ForewarmErrorCode,
    message: string,
    options: { readonly retriable?: boolean; readonly cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause })
    this.name = 'ForewarmError'
    this.code = code
    this.retriable = options.retriable ?? false
  }
}
