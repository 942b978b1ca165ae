import type { UpdateColumns } from '../schemas/update-columns.ts'
import type { LookAhead } from '../src/warming/look-ahead.ts'

/** One way of warming: in earnest, or in shadow. */
export interface WarmingWay {
  /** Makes a look-ahead for the partition of a lane. */
  readonly lookAhead: () => LookAhead
  /** Asks for the warms that follow from an update; undefined if this node does not correlate. */
  readonly onTrigger: ((pairId: number, eventTimeMs: number) => void) | undefined
}

/** The way at the moment; undefined while nothing is warmed. */
export interface Ways {
  readonly current: WarmingWay | undefined
}

export interface LaneWarmingOptions {
  readonly ways: Ways
  /** Gets an exception of warming, which only a bug throws. The update goes on without its warms. */
  readonly onWarmFault: (error: unknown) => void
}

/**
 * Warms for the updates of a lane before their handlers run: reads that the batch shows to come, and reads that follow
 * each update. Warming only makes reads faster, so a bug in it must not keep an update from its handlers.
 */
export class LaneWarming {
  readonly #ways: Ways
  readonly #onWarmFault: (error: unknown) => void
  /** The way that the look-ahead is of. */
  #way: WarmingWay | undefined
  #lookAhead: LookAhead | undefined

  constructor({ ways, onWarmFault }: LaneWarmingOptions) {
    this.#ways = ways
    this.#onWarmFault = onWarmFault
    this.#change()
  }

  /** The columns hold new rows. */
  restart(): void {
    this.#lookAhead?.restart()
  }

  /** Must be called before each row is handled. A returned promise must be awaited before the row is handled. */
  before(row: number, columns: UpdateColumns): Promise<unknown> | undefined {
    try {
      if (this.#way !== this.#ways.current) this.#change()
      return this.#lookAhead?.before(row, columns)
    } catch (error) {
      this.#onWarmFault(error)
      return undefined
    }
  }

  /** Must be called before the handlers of the update run: afterwards it is too late for their reads. */
  ask(pairId: number, eventTimeMs: number): void {
    try {
      this.#ways.current?.onTrigger?.(pairId, eventTimeMs)
    } catch (error) {
      this.#onWarmFault(error)
    }
  }

  #change(): void {
    this.#way = this.#ways.current
    this.#lookAhead = this.#way?.lookAhead()
  }
}
