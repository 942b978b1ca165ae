import type { ReplayRecord } from '../replay-record.ts'

/** Gives the records of a replay: a recording, a file of price updates, a range of topics. */
export interface ReplaySource {
  readonly origin: SourceOrigin
  /**
   * One pass over the records in replay order, in lists. Each call is a new pass over the same records. When the signal is
   * aborted it ends early, without an error.
   */
  read(signal: AbortSignal): AsyncIterable<readonly ReplayRecord[]>
  /** Records by which the times of a pass of at most `max` can be told. Absent: it takes the whole pass. */
  preview?(signal: AbortSignal, max: number): AsyncIterable<readonly ReplayRecord[]>
  /** The share of the pass that is done, 0 to 1; undefined if there is no end. */
  fraction(): number | undefined
  /** Records of the last pass that could not be read so far, by reason. */
  lost(): readonly LostRecords[]
}

/** The topics and the cluster that the records of a source come from. */
export interface SourceOrigin {
  /** Partition counts of the topics that the records are (or were) in. */
  readonly topics: ReadonlyMap<string, number>
  /** Undefined if the records are from no cluster, or from one without an id. */
  readonly clusterId: string | undefined
  /** The state hash of all its records; undefined if none was recorded. */
  readonly stateHash: string | undefined
}

/** Records of the source that could not be read, by reason. */
export interface LostRecords {
  readonly reason: string
  readonly records: number
  /** The place of the first of them, in words. */
  readonly first: string
}

/** Counts lost records by reason. */
export class LostLedger {
  readonly #byReason = new Map<string, { records: number; readonly first: string }>()
  readonly #onLost: ((lost: LostRecords) => void) | undefined

  /** The function is called at once for each loss, with the records of that one. */
  constructor(onLost?: (lost: LostRecords) => void) {
    this.#onLost = onLost
  }

  add(reason: string, records: number, place: string): void {
    this.#onLost?.({ reason, records, first: place })
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
