/**
 * What to give back when memory is short: the warm part first, by halves, then slots of L1, a quarter at a time. One
 * step a look, so that the effect of the last one is seen before the next; a step back only when a good part is free.
 */

/** Shares of the slots, and of the warms' usual part of them, that are left; worst last. */
const STEPS = [
  { slots: 1, warms: 1 },
  { slots: 1, warms: 0.5 },
  { slots: 1, warms: 0 },
  { slots: 0.75, warms: 0 },
  { slots: 0.5, warms: 0 },
  { slots: 0.25, warms: 0 },
] as const

/** Of the ceiling. */
const SHORT = 0.95
const RELAXED = 0.85

export type Shares = (typeof STEPS)[number]

export class MemoryPressure {
  #step = 0

  /** 0: none, 1: as much as there can be. */
  get level(): number {
    return this.#step / (STEPS.length - 1)
  }

  /** What may be used from now on, where that has changed. `used`: memory in use ÷ the ceiling. */
  look(used: number): Shares | undefined {
    const next = used > SHORT ? this.#step + 1 : used < RELAXED ? this.#step - 1 : this.#step
    const step = Math.max(0, Math.min(next, STEPS.length - 1))
    if (step === this.#step) return undefined
    this.#step = step
    return STEPS[step]
  }
}
