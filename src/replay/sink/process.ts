import { partitionName } from '../../broker/partition-name.ts'
import type { VirtualClock } from '../../clock.ts'
import { ReplayError } from '../replay-error.ts'
import type { ReplayRecord } from '../replay-record.ts'
import type { SourceOrigin } from '../source/source.ts'
import type { ReplaySink } from './sink.ts'

/** A pipeline in this process that can be replayed into. */
export interface InProcessSink {
  /** Called before the first record; the origin names the topics. */
  open?(origin: SourceOrigin): Promise<void>
  /** Called in replay order; a promise is awaited. An error ends the replay. */
  apply(record: ReplayRecord): Promise<void> | void
  /** Resolves when all records so far have had their effect. */
  flush?(): Promise<void>
  /** The hash of the pipeline's state, asked for at the end. Without it the report has the records' hash. */
  stateHash?(): Promise<string>
}

/** Hands records to a pipeline in this process. The clock, if any, moves to each record's timestamp first. */
export class ProcessSink implements ReplaySink {
  readonly #sink: InProcessSink
  readonly #clock: VirtualClock | undefined

  constructor(sink: InProcessSink, clock?: VirtualClock) {
    this.#sink = sink
    this.#clock = clock
  }

  async open(origin: SourceOrigin): Promise<void> {
    await this.#sink.open?.(origin)
  }

  apply(record: ReplayRecord): Promise<void> | undefined {
    this.#clock?.advanceTo(record.timestampMs)
    try {
      const applied = this.#sink.apply(record)
      return applied === undefined ? undefined : applied.catch((cause: unknown) => fail(record, cause))
    } catch (cause) {
      return fail(record, cause)
    }
  }

  async flush(): Promise<void> {
    await this.#sink.flush?.()
  }

  stateHash(): Promise<string> | undefined {
    return this.#sink.stateHash?.()
  }
}

function fail(record: ReplayRecord, cause: unknown): never {
  const reason = cause instanceof Error ? cause.message : String(cause)
  throw new ReplayError('sink-failed', `${partitionName(record)} offset ${record.offset}: ${reason}`, cause)
}
