export type SimulationErrorCode = 'bad-option' | 'bad-file'

/** Ends a simulation. The message is one sentence for people; about a file, it names line and column. */
export class SimulationError extends Error {
  readonly code: SimulationErrorCode
  /** The same call with the same file fails again. */
  readonly retriable = false

  constructor(code: SimulationErrorCode, message: string) {
    super(message)
    this.name = 'SimulationError'
    this.code = code
  }
}
