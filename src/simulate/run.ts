import type { Counts } from './tally.ts'

/** One simulation, taken step by step, so that somebody may watch it or end it. */
export interface Run {
  /** Accesses or updates. */
  readonly length: number
  readonly counts: Readonly<Counts>
  /** Up to `end`, exclusive; never backwards. */
  advance(end: number): void
}
