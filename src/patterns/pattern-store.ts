import type { Clock } from '../clock.ts'
import { ForewarmError } from '../forewarm-error.ts'
import type { Predictor } from '../prediction/predictor.ts'
import type { Log } from '../telemetry/log.ts'
import type { Timer } from '../timer.ts'
import type { Refusal } from './pattern-entry.ts'

/** A place in which patterns outlive the process. */
export interface PatternStore {
  /** Takes what is stored. Rejects with `bad-config` if nothing can ever be stored there. */
  start(): Promise<void>
  /** Stores what is not stored yet. May be called twice; does not reject. */
  close(): Promise<void>
  readonly failedSaves: number
  /** Why the last save failed; undefined if it did not. */
  readonly unsaved: ForewarmError | undefined
  /** Why patterns are not as they should be at present. */
  readonly trouble: string | undefined
  /** Entries of other nodes that were passed over. Absent if there are no other nodes. */
  refused?(reason: Refusal): number
  onRead?(pairId: number, atMs: number): void
  onImported?(pairId: number, hour: number, reads: number): void
  /** The id goes to another pair. */
  forget?(pairId: number): void
}

export interface PatternStoreOptions {
  readonly predictor: Predictor
  readonly service: string
  readonly clock: Clock
  readonly log: Log
  readonly timer?: Timer | undefined
}

/** Patterns are stored so often. */
export const SAVE_MS = 15 * 60_000

/** Counts saves that failed, and keeps the reason of the last. */
export class Saves {
  failed = 0
  unsaved: ForewarmError | undefined

  succeeded(): void {
    this.unsaved = undefined
  }

  failedAt(where: string, cause: unknown): void {
    this.failed++
    const message = `PATTERN_STORE: the patterns could not be saved to ${where}: ${cause instanceof Error ? cause.message : cause}`
    this.unsaved = new ForewarmError('patterns-not-saved', message, { cause, retriable: true })
  }
}
