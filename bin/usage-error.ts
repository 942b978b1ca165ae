/** Arguments that are valid one by one but do not go together, or a file that cannot be used. The exit code is 2. */
export class UsageError extends Error {
  readonly code = 'bad-option'

  constructor(message: string) {
    super(message)
    this.name = 'UsageError'
  }
}
