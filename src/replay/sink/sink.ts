import type { ReplayRecord } from '../replay-record.ts'
import type { LostRecords, SourceOrigin } from '../source/source.ts'
import type { WrittenTimes } from '../timestamps.ts'

/** Takes the records of a replay: topics, a pipeline in this process, standard output. */
export interface ReplaySink {
  /** Called before the first record. Rejects if this source must not be written here. */
  open?(origin: SourceOrigin): Promise<void>
  /**
   * Called before the first record, if records keep their times or are shifted. Throws a ReplayError if this one cannot be
   * taken. Returns what else will become of them, in words.
   */
  check?(times: ReadonlyMap<string, WrittenTimes>): readonly string[]
  /** Called in replay order. A promise is awaited before the next record. */
  apply(record: ReplayRecord): Promise<void> | undefined
  /** Resolves when everything that was applied has arrived or failed. */
  flush(): Promise<void>
  /** Called after the last record or a failure. May be called twice. */
  close?(): Promise<void>
  /** The topics that were written; none unless given. */
  targets?(): readonly ReplayTarget[]
  /** The hash of the sink's state, if it keeps one. Otherwise the run's own hash of the records counts. */
  stateHash?(): Promise<string> | undefined
  /** Records refused one by one, by reason; the others were taken. None unless given. */
  failed?(): readonly LostRecords[]
}

/** One topic that a replay wrote to. */
export interface ReplayTarget {
  readonly topic: string
  readonly partitions: number
  readonly created: boolean
  readonly records: number
  /** Records older than the topic's retention: the broker will delete them. */
  readonly expiring: number
}
