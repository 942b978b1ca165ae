import type { Counts } from './tally.ts'

/** One simulation, run in steps so that the caller can show progress and stop it. */
export interface Run {
  /** Accesses or updates in all. */
  readonly length: number
  readonly counts: Readonly<Counts>
  /** Runs on to access or update `end`, exclusive. `end` never goes back. */
  advance(end: number): void
}
