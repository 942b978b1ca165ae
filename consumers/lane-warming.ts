import type { UpdateColumns } from '../schemas/update-columns.ts'
import type { LookAhead } from '../src/warming/look-ahead.ts'

export interface LaneWarmingOptions {
  /** Makes a look-ahead for the lane's partition. */
  readonly lookAhead: () => LookAhead
  /** Asks for the warms that follow from an update; undefined if this node does not correlate. */
  readonly onTrigger: ((pairId: number, eventTimeMs: number) => void) | undefined
  /** Gets an exception of warming, which only a bug throws. The update goes on without its warms. */
  readonly onWarmFault: (error: unknown) => void
}

/**
 * Warms for the updates of a lane before their handlers run: reads that the batch shows to come, and reads that follow
 * each update. Warming only makes reads faster, so a bug in it must not keep an update from its handlers.
 */
export class LaneWarming {
  readonly #options: LaneWarmingOptions
  readonly #lookAhead: LookAhead

  constructor(options: LaneWarmingOptions) {
    this.#options = options
    this.#lookAhead = options.lookAhead()
  }

  /** The columns hold new rows. */
  restart(): void {
    this.#lookAhead.restart()
  }

  /** Must be called before each row is handled. A returned promise must be awaited before the row is handled. */
  before(row: number, columns: UpdateColumns): Promise<unknown> | undefined {
    try {
      return this.#lookAhead.before(row, columns)
    } catch (error) {
      this.#options.onWarmFault(error)
      return undefined
    }
  }

  /** Must be called before the handlers of the update run: afterwards it is too late for their reads. */
  ask(pairId: number, eventTimeMs: number): void {
    try {
      this.#options.onTrigger?.(pairId, eventTimeMs)
    } catch (error) {
      this.#options.onWarmFault(error)
    }
  }
}
