/**
 * What to give back when memory is short: first the warm part, by halves, then a quarter of L1's slots at a time. Each
 * look takes one step at most, so that the effect of a step is seen before the next. A step is taken back only when a
 * good part of the memory is free.
 */

/** The shares of the slots, and of their usual warm part, that are left; worst last. */
const STEPS = [
  { slots: 1, warms: 1 },
  { slots: 1, warms: 0.5 },
  { slots: 1, warms: 0 },
  { slots: 0.75, warms: 0 },
  { slots: 0.5, warms: 0 },
  { slots: 0.25, warms: 0 },
] as const

/** Shares of the memory ceiling: above the first memory is short, below the second it is no longer. */
const SHORT = 0.95
const RELAXED = 0.85

export type Shares = (typeof STEPS)[number]

export class MemoryPressure {
  #step = 0

  /** 0: none, 1: as much as there can be. */
  get level(): number {
    return this.#step / (STEPS.length - 1)
  }

  /** The shares that may be used from now on, if they have changed. `used`: memory in use ÷ the ceiling. */
  look(used: number): Shares | undefined {
    const next = used > SHORT ? this.#step + 1 : used < RELAXED ? this.#step - 1 : this.#step
    const step = Math.max(0, Math.min(next, STEPS.length - 1))
    if (step === this.#step) return undefined
    this.#step = step
    return STEPS[step]
  }
}
