/** Arguments that are each allowed but do not go together, or a file that is not what it should be: exit code 2. */
export class UsageError extends Error {
  readonly code = 'bad-option'

  constructor(message: string) {
    super(message)
    this.name = 'UsageError'
  }
}
