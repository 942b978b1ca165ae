import { BrokerError, closed, type Stored } from './port.ts'

/** The error of a batch that was not stored, or not as a whole. Its code and message are those of one of its records. */
export class BatchError extends BrokerError {
  /** Why a record was not stored, by its place in the batch. */
  readonly failures: ReadonlyMap<number, BrokerError>
  readonly stored: readonly Stored[]

  constructor(failures: ReadonlyMap<number, BrokerError>, stored: readonly Stored[]) {
    const [first = closed('there were no records')] = failures.values()
    super(first.code, first.message, { retriable: first.retriable, cause: first })
    this.failures = failures
    this.stored = stored
  }
}

/** Tells of what `sendBatch` rejected with why the record at a place of the batch was not stored; undefined if it was. */
export function failuresOf(error: unknown): (place: number) => BrokerError | undefined {
  if (error instanceof BatchError) return (place) => error.failures.get(place)
  const failure =
    error instanceof BrokerError ? error : new BrokerError('failed', String(error), { retriable: false, cause: error })
  return () => failure
}
