/** Why a replay or a recording failed. */
export type ReplayErrorCode =
  | 'bad-option'
  | 'no-such-topic'
  | 'no-such-file'
  | 'file-exists'
  | 'not-writable'
  | 'corrupt-recording'
  | 'same-topic'
  | 'protected-cluster'
  | 'timestamp-ahead'
  | 'topic-changed'
  | 'stalled'
  | 'too-many-pairs'
  | 'sink-failed'

/** The error that ends a replay or a recording. The message is one sentence for people and says what to do about it. */
export class ReplayError extends Error {
  readonly code: ReplayErrorCode
  /** Whether the same call may succeed later. */
  readonly retriable: boolean

  constructor(code: ReplayErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'ReplayError'
    this.code = code
    this.retriable = code === 'stalled'
  }
}
