export interface OutageListeners {
  readonly onAway?: ((reason: string) => void) | undefined
  readonly onBack?: (() => void) | undefined
}

/** Tells once that something is away, and once that it is back, however often either is seen. */
export class Outage {
  readonly #listeners: OutageListeners
  #reason: string | undefined

  constructor(listeners: OutageListeners) {
    this.#listeners = listeners
  }

  /** Why it is away; undefined while it is not. */
  get reason(): string | undefined {
    return this.#reason
  }

  /** Takes the result of the last attempt: why it failed, or undefined if it succeeded. */
  saw(reason: string | undefined): void {
    const wasAway = this.#reason !== undefined
    this.#reason = reason
    if (reason !== undefined && !wasAway) this.#listeners.onAway?.(reason)
    if (reason === undefined && wasAway) this.#listeners.onBack?.()
  }
}
