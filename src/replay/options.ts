import type { Writable } from 'node:stream'
import type { Broker } from '../broker/port.ts'
import type { VirtualClock } from '../clock.ts'
import type { FormatRule } from '../formats/formats.ts'
import type { ReplayTime, Speed } from './pace.ts'
import type { ReplayProgress } from './progress.ts'
import type { OutputFormat } from './sink/output.ts'
import type { InProcessSink } from './sink/process.ts'
import type { OnBadLine } from './source/bad-line.ts'
import type { Timestamps } from './timestamps.ts'

/** A time in ISO 8601, UTC if it names no zone, or in milliseconds since the epoch. */
export type Moment = string | number

/** Selects records by position. Absent means all records that exist when the replay begins. */
export interface ReplayRange {
  /** Inclusive; compared with the record's timestamp. */
  readonly since?: Moment
  /** Exclusive. */
  readonly until?: Moment
  /** Inclusive, in every partition. */
  readonly fromOffset?: bigint | number
  /** Exclusive, in every partition. */
  readonly toOffset?: bigint | number
  readonly partitions?: readonly number[]
}

/** The source of a replay. */
export type ReplayFrom =
  | ({ readonly topic: string | readonly string[] } & ReplayRange)
  /** A recording, or an NDJSON file of price updates; packed if the name ends in .gz. */
  | ({ readonly file: string } & ReplayRange)

/** The sink of a replay. */
export type ReplayTo = ReplayTopics | ReplayInProcess | ReplayOutput

/**
 * Writes the records of a replay to topics. Missing topics are created, with as many partitions as the source has unless
 * `partitions` is given.
 */
export type ReplayTopics = { readonly broker?: Broker; readonly partitions?: number } & (
  | { readonly topicPrefix: string }
  | { readonly topic: string }
)

/** Hands the records of a replay to a function of this process. */
export interface ReplayInProcess {
  readonly inProcess: InProcessSink
  /** Moved forward to each record's timestamp before it is applied. */
  readonly clock?: VirtualClock
}

/** Writes the records of a replay to a stream. */
export interface ReplayOutput {
  readonly stdout: true | Writable
  /** Default `updates`. */
  readonly format?: OutputFormat
}

/** Which records of the source are replayed. */
export interface ReplayFilters {
  readonly pairs?: readonly string[]
  readonly chains?: readonly string[]
  /** The share of the records that pass, 0 to 1: the same ones in every run. */
  readonly sample?: number
  /** Ends after so many records have been replayed, all passes together. */
  readonly max?: number
}

/** The options of `replay`. */
export interface ReplayOptions {
  readonly from: ReplayFrom
  readonly to: ReplayTo
  /** Broker of the source, and of the target if `to` names none. Default: the Kafka of the environment. */
  readonly broker?: Broker
  /** 0.1 to 1000 times as fast as the timestamps say; `max`, the default, does not wait. */
  readonly speed?: Speed
  /** Default `keep`. */
  readonly timestamps?: Timestamps
  readonly filters?: ReplayFilters
  /** How the records of topics are read that are not written in our own format. They are written as they are. */
  readonly formats?: readonly FormatRule[]
  /** How many passes over the same records; `true` goes on until the signal is aborted. Default 1. */
  readonly loop?: number | true
  /** The state hash that is expected; `true`: the one in the recording. */
  readonly verifyHash?: string | true | undefined
  /** Ids of clusters that are not written to. Default with the Kafka of the environment: KAFKA_PROTECTED_CLUSTERS. */
  readonly protectedClusters?: readonly string[]
  /** Together with `reallyForce`, allows to write into the topic that is read, or into a protected cluster. */
  readonly force?: boolean
  readonly reallyForce?: boolean
  /** Ends the replay early. Records read by then are finished, and the report is made. */
  readonly signal?: AbortSignal
  /** Called once, before the first record, with a function that tells the progress. */
  readonly onStart?: (progress: () => ReplayProgress) => void
  /** Called before the first record, for each thing that the replay does and that may be unwanted, in words. */
  readonly onWarning?: (warning: string) => void
  /** Called for each line of a price file that cannot be read, and left out then. An error that it throws ends the replay. */
  readonly onBadLine?: OnBadLine
  /** If an expected record does not come for so many ms, reading fails with `stalled`. Default 60,000. */
  readonly stallMs?: number
  readonly time?: ReplayTime
}
