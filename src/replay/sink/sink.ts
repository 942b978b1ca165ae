import type { ReplayRecord } from '../replay-record.ts'
import type { LostRecords, SourceOrigin } from '../source/source.ts'

/** Where a replay ends: topics, a pipeline in this process, standard output. */
export interface ReplaySink {
  /** Before the first record. Rejects where this source must not be written here. */
  open(origin: SourceOrigin): Promise<void>
  /** In replay order. What returns a promise is waited for before the next record is applied. */
  apply(record: ReplayRecord): Promise<void> | undefined
  /** Resolves when everything that was applied has arrived or failed. */
  flush(): Promise<void>
  /** After the last record or a failure. Twice is once. */
  close(): Promise<void>
  /** The topics that were written. */
  targets(): readonly ReplayTarget[]
  /** Of what the records came to, where the sink keeps them; the run's own hash is of the records. */
  stateHash?(): Promise<string> | undefined
  /** Records that were refused, each for a reason of its own; the others went on. */
  failed(): readonly LostRecords[]
}

export interface ReplayTarget {
  readonly topic: string
  readonly partitions: number
  readonly created: boolean
  readonly records: number
  /** Those of them that are older than the topic keeps records: the broker will delete them. */
  readonly expiring: number
}
