export type SimulationErrorCode = 'bad-option' | 'bad-file'

/** What a simulation stops with. The message is one sentence for people; of a file it names the line and the column. */
export class SimulationError extends Error {
  readonly code: SimulationErrorCode
  /** The same call on the same file fails again. */
  readonly retriable = false

  constructor(code: SimulationErrorCode, message: string) {
    super(message)
    this.name = 'SimulationError'
    this.code = code
  }
}
