import type { Clock } from '../clock.ts'

export interface LogRateOptions {
  /** The wall clock, also in a replay: a log is read in real time. */
  readonly clock: Clock
  /** The least time between two lines of a kind; 1,000 unless given. */
  readonly everyMs?: number
}

/** Writes a line. `passedOver` is the number of events of its kind that had no line since the last one. */
export type WriteLine = (passedOver: number) => void

interface Kind {
  toldAtMs: number
  passedOver: number
  last: WriteLine | undefined
}

const EVERY_MS = 1_000

/**
 * Keeps events that may come with every record from filling the log. The first of a kind is logged at once; after that
 * a kind has at most one line a second, which says how many events had none. The code names the kinds, so they are few.
 */
export class LogRate {
  readonly #clock: Clock
  readonly #everyMs: number
  readonly #kinds = new Map<string, Kind>()

  constructor({ clock, everyMs = EVERY_MS }: LogRateOptions) {
    this.#clock = clock
    this.#everyMs = everyMs
  }

  tell(kind: string, write: WriteLine): void {
    const nowMs = this.#clock.now()
    const known = this.#kinds.get(kind)
    if (known === undefined) {
      this.#kinds.set(kind, { toldAtMs: nowMs, passedOver: 0, last: undefined })
      write(0)
      return
    }
    // A wall clock that was set back must not silence a kind until it has caught up.
    if (nowMs >= known.toldAtMs && nowMs - known.toldAtMs < this.#everyMs) {
      known.passedOver++
      known.last = write
      return
    }
    const { passedOver } = known
    Object.assign(known, { toldAtMs: nowMs, passedOver: 0, last: undefined })
    write(passedOver)
  }

  /** Logs the last event of each kind that had no line. Call it when no more will come; a second call does nothing. */
  flush(): void {
    for (const kind of this.#kinds.values()) {
      const { last, passedOver } = kind
      kind.last = undefined
      kind.passedOver = 0
      last?.(passedOver - 1)
    }
  }
}
