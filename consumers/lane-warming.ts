import type { UpdateColumns } from '../schemas/update-columns.ts'
import type { LookAhead } from '../src/warming/look-ahead.ts'

export interface LaneWarmingOptions {
  /** One for each partition: it looks along one stream. */
  readonly lookAhead: () => LookAhead
  /** Asks for warms that follow from the update; undefined where this node doesn't correlate. */
  readonly onTrigger: ((pairId: number, eventTimeMs: number) => void) | undefined
  /** An exception of warming that should not have been: told, and the update goes on without. */
  readonly onWarmFault: (error: unknown) => void
}

/**
 * What a lane has warmed for its updates before their handlers run: what it sees coming, and what follows each. It only
 * makes reads faster: a bug of it must cost no handler its update.
 */
export class LaneWarming {
  readonly #options: LaneWarmingOptions
  readonly #lookAhead: LookAhead

  constructor(options: LaneWarmingOptions) {
    this.#options = options
    this.#lookAhead = options.lookAhead()
  }

  /** New rows: what was seen coming is over. */
  restart(): void {
    this.#lookAhead.restart()
  }

  /** To be called before each row is handled; the promise, if there is one, is to be awaited first. */
  before(row: number, columns: UpdateColumns): Promise<unknown> | undefined {
    try {
      return this.#lookAhead.before(row, columns)
    } catch (error) {
      this.#options.onWarmFault(error)
      return undefined
    }
  }

  /** Before the handlers of the update run: for what they are about to read, a request comes too late. */
  ask(pairId: number, eventTimeMs: number): void {
    try {
      this.#options.onTrigger?.(pairId, eventTimeMs)
    } catch (error) {
      this.#options.onWarmFault(error)
    }
  }
}
