import { partitionName } from '../../broker/partition-name.ts'
import type { VirtualClock } from '../../clock.ts'
import { acceptedConfig } from '../../config/load.ts'
import { inTime } from '../../timer.ts'
import { ReplayError } from '../replay-error.ts'
import type { ReplayRecord } from '../replay-record.ts'
import { LostLedger, type LostRecords, type SourceOrigin } from '../source/source.ts'
import type { ReplaySink } from './sink.ts'

/** A pipeline in this process that can be replayed into. */
export interface InProcessSink {
  /** Called before the first record; the origin names the topics. */
  open?(origin: SourceOrigin): Promise<void>
  /** Called in replay order; a promise is awaited. An error ends the replay. */
  apply(record: ReplayRecord): Promise<void> | void
  /**
   * How long a promise of `apply` is waited for, in ms of real time. One that takes longer is counted in the report's
   * `failed`, and the next record follows. Default: DETECTOR_TIMEOUT_MS of the environment.
   */
  readonly timeoutMs?: number | undefined
  /** Resolves when all records so far have had their effect. */
  flush?(): Promise<void>
  /** The hash of the pipeline's state, asked for at the end. Without it the report has the records' hash. */
  stateHash?(): Promise<string>
}

/** Hands records to a pipeline in this process. The clock, if any, moves to each record's timestamp first. */
export class ProcessSink implements ReplaySink {
  readonly #sink: InProcessSink
  readonly #clock: VirtualClock | undefined
  readonly #failed = new LostLedger()
  #timeoutMs = Number.POSITIVE_INFINITY

  constructor(sink: InProcessSink, clock?: VirtualClock) {
    this.#sink = sink
    this.#clock = clock
  }

  async open(origin: SourceOrigin): Promise<void> {
    this.#timeoutMs = this.#sink.timeoutMs ?? acceptedConfig({ env: process.env }).config.node.detectorTimeoutMs
    await this.#sink.open?.(origin)
  }

  apply(record: ReplayRecord): Promise<void> | undefined {
    this.#clock?.advanceTo(record.timestampMs)
    try {
      const applied = this.#sink.apply(record)
      return applied === undefined ? undefined : this.#bounded(record, applied)
    } catch (cause) {
      return fail(record, cause)
    }
  }

  failed(): readonly LostRecords[] {
    return this.#failed.list()
  }

  async flush(): Promise<void> {
    await this.#sink.flush?.()
  }

  stateHash(): Promise<string> | undefined {
    return this.#sink.stateHash?.()
  }

  async #bounded(record: ReplayRecord, applied: Promise<void>): Promise<void> {
    const settled = applied.then(
      () => undefined,
      (cause: unknown) => fail(record, cause),
    )
    if ((await inTime(settled, 'late', { delayMs: this.#timeoutMs })) !== 'late') return
    this.#failed.add('timed-out', 1, `${placeOf(record)}: apply did not settle within ${this.#timeoutMs} ms`)
    settled.catch((error: ReplayError) => this.#failed.add('failed-late', 1, error.message))
  }
}

function placeOf(record: ReplayRecord): string {
  return `${partitionName(record)} offset ${record.offset}`
}

function fail(record: ReplayRecord, cause: unknown): never {
  const reason = cause instanceof Error ? cause.message : String(cause)
  throw new ReplayError('sink-failed', `${placeOf(record)}: ${reason}`, cause)
}
