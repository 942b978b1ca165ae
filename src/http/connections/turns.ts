/** Work that is done a piece at a time, so that the event loop gets to everything else in between. */
export interface Paced {
  /** Whether its next piece goes before those of others. */
  readonly isUrgent: boolean
  step(): void
  destroy(error: Error): unknown
}

/** What pieces may take of a turn of the event loop, except for the last of them. */
const TURN_MS = 1
const A_MOMENT_MS = 50

/** Shares the event loop among connections: each waits in line for its next piece, however much it has sent. */
export class Turns {
  readonly #urgent = new Set<Paced>()
  readonly #others = new Set<Paced>()
  #isPending = false
  #endMs = 0
  #askedMs = Number.NEGATIVE_INFINITY

  /** Whether somebody asks, or has asked a moment ago: an answer, and the next question, take some turns of the event loop. */
  get isAsked(): boolean {
    return this.#isPending || performance.now() - this.#askedMs < A_MOMENT_MS
  }

  /** Asks for one piece. Asking twice is asking once. */
  ask(paced: Paced): void {
    const line = paced.isUrgent ? this.#urgent : this.#others
    line.add(paced)
    this.#askedMs = performance.now()
    if (!this.#isPending) this.#begin()
  }

  forget(paced: Paced): void {
    this.#urgent.delete(paced)
    this.#others.delete(paced)
  }

  #begin(): void {
    this.#isPending = true
    setImmediate(() => {
      this.#endMs = performance.now() + TURN_MS
      this.#go()
    })
  }

  /** Neither line starves the other: the first of each goes on. */
  #go(): void {
    for (const line of [this.#urgent, this.#others]) {
      const [first] = line
      if (first === undefined) continue
      line.delete(first)
      this.#step(first)
    }
    // What a piece starts, up to the answer, mostly is done in microtasks. It belongs to the turn.
    queueMicrotask(() => process.nextTick(() => this.#goOn()))
  }

  /** A connection whose step throws is closed: the others must get their turns. */
  #step(paced: Paced): void {
    try {
      paced.step()
    } catch (error) {
      paced.destroy(error instanceof Error ? error : new Error(String(error)))
    }
  }

  #goOn(): void {
    this.#isPending = this.#urgent.size + this.#others.size > 0
    if (!this.#isPending) return
    if (performance.now() < this.#endMs) this.#go()
    else this.#begin()
  }
}
