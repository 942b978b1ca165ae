/** Every error that leaves the library on purpose: what was expected, what came, and whether trying again can help. */
export type ForewarmErrorCode =
  | 'bad-config'
  | 'bad-value'
  | 'kafka-unreachable'
  | 'topics-unusable'
  | 'port-unusable'
  | 'bad-shared-memory'
  | 'closed'
  | 'refused'

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
