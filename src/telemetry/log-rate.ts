import type { Clock } from '../clock.ts'

/**
 * What may happen a record is no line a record: of each kind the first is told at once, and from then on at most one a
 * second, which says how many were passed over. Kinds are few and named by the code, not by records.
 */
export interface LogRateOptions {
  /** The wall's, also in a replay: a log is read in real time. */
  readonly clock: Clock
  /** Between two lines of one kind; 1,000 unless given. */
  readonly everyMs?: number
}

/** Writes a line; `passedOver` is how many of its kind had none since the last. */
export type WriteLine = (passedOver: number) => void

interface Kind {
  toldAtMs: number
  passedOver: number
  last: WriteLine | undefined
}

const EVERY_MS = 1_000

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

  /** The last of each kind that was passed over: to be called when nothing more will come. Twice is once. */
  flush(): void {
    for (const kind of this.#kinds.values()) {
      const { last, passedOver } = kind
      kind.last = undefined
      kind.passedOver = 0
      last?.(passedOver - 1)
    }
  }
}
