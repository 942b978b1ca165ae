import type { ReplayRecord } from '../replay-record.ts'

/** Where records come from: a recording, a file of price updates, a range of topics. */
export interface ReplaySource {
  readonly origin: SourceOrigin
  /**
   * One pass over the records in replay order, in lists; each call is a pass of its own over the same records. Ends
   * early, without an error, when the signal is aborted.
   */
  read(signal: AbortSignal): AsyncIterable<readonly ReplayRecord[]>
  /** How much of the pass is done, 0 to 1; undefined where there is no end. */
  fraction(): number | undefined
  /** What could not be turned into records so far, by reason. */
  lost(): readonly LostRecords[]
}

export interface SourceOrigin {
  /** Partition counts of the topics that the records are (or were) in. */
  readonly topics: ReadonlyMap<string, number>
  /** Absent where the records do not come from a cluster, or one that has no name. */
  readonly clusterId: string | undefined
  /** The state hash of all its records, where it was recorded with them. */
  readonly stateHash: string | undefined
}

export interface LostRecords {
  readonly reason: string
  readonly records: number
  /** Where the first of them stood, for people. */
  readonly first: string
}

/** Counts what is lost by reason. */
export class LostLedger {
  readonly #byReason = new Map<string, { records: number; readonly first: string }>()

  add(reason: string, records: number, place: string): void {
    const known = this.#byReason.get(reason)
    if (known === undefined) this.#byReason.set(reason, { records, first: place })
    else known.records += records
  }

  clear(): void {
    this.#byReason.clear()
  }

  list(): readonly LostRecords[] {
    return [...this.#byReason].map(([reason, { records, first }]) => ({ reason, records, first }))
  }
}
