import type { Broker } from '../broker/port.ts'
import { faultOf, milliseconds, type OptionsOf } from '../config/options.ts'
import { type FormatRule, Formats } from '../formats/formats.ts'
import { configuredBroker } from './configured-broker.ts'
import { contentOf } from './content.ts'
import { positionReason, type RecordFilter } from './filter.ts'
import type { ReplayRange } from './options.ts'
import { filterOf, RANGE } from './plan.ts'
import { progressOf, type ReplayProgress } from './progress.ts'
import { abandonedPartials } from './recording/partial.ts'
import { RecordingWriter } from './recording/writer.ts'
import { ReplayError } from './replay-error.ts'
import type { ReplayRecord } from './replay-record.ts'
import type { LostRecords, ReplaySource } from './source/source.ts'
import { openTopics } from './source/topic.ts'
import { createStateHash, type StateHash } from './state-hash.ts'

/** The options of `record`. */
export interface RecordOptions extends ReplayRange {
  /** Default: the Kafka of the environment. */
  readonly broker?: Broker
  readonly topics: readonly string[]
  /** Packed if the name ends in .gz. */
  readonly file: string
  /**
   * Records new records (or those from `since` or `fromOffset` on) in the order of arrival, until `max` or the signal.
   * Otherwise records those that are there now, in replay order.
   */
  readonly live?: boolean
  /** Ends after so many records. */
  readonly max?: number
  /** Replaces an existing file. */
  readonly replace?: boolean
  /** Ends the recording early. The file is whole, and holds the records read by then. */
  readonly signal?: AbortSignal
  /** Called once, before the first record, with a function that tells the progress. */
  readonly onStart?: (progress: () => ReplayProgress) => void
  /** Called before the first record for each partial file, in the folder, of a recording that was killed. */
  readonly onWarning?: (warning: string) => void
  /** As in ReplayOptions. */
  readonly stallMs?: number
  /** As in ReplayOptions; the state hash is of what they read. */
  readonly formats?: readonly FormatRule[]
}

/** What was recorded. */
export interface RecordReport {
  readonly status: 'done' | 'interrupted'
  readonly file: string
  /** The size of the file on the disk. */
  readonly bytes: number
  readonly records: number
  /** Records read and left out on request. */
  readonly filtered: number
  /** Records that could not be read, by reason. */
  readonly skipped: readonly LostRecords[]
  readonly durationMs: number
  /** The state hash (state-hash.ts) of the recorded price updates; it is in the file too. */
  readonly stateHash: string
}

const OPTIONS: OptionsOf<RecordOptions> = {
  ...{ ...RANGE, broker: true, topics: true, file: true, live: true, max: true, replace: true, signal: true },
  ...{ onStart: true, onWarning: true, stallMs: milliseconds, formats: true },
}

/** Writes records of topics into a recording. Rejects with a ReplayError or a BrokerError, and leaves no file then. */
export async function record(options: RecordOptions): Promise<RecordReport> {
  const fault = faultOf('record', options, OPTIONS)
  if (fault !== undefined) throw new ReplayError('bad-option', fault)
  const { signal = new AbortController().signal, max = Number.POSITIVE_INFINITY } = options
  if (!(max >= 1)) throw new ReplayError('bad-option', `max: got ${max}; allowed: a whole number from 1`)
  const filter = filterOf(options, {})
  const { broker, close } = await configuredBroker(options.broker)
  try {
    const source = await openSource({ ...options, broker }, filter)
    const formats = options.formats && new Formats(options.formats)
    return await recordFrom({ source, filter, max, signal, formats }, options)
  } finally {
    await close()
  }
}

async function recordFrom(
  recording: Recording,
  { file, replace = false, onStart, onWarning }: RecordOptions,
): Promise<RecordReport> {
  for (const partial of await abandonedPartials(file))
    onWarning?.(`${partial} is what a killed recording has left; it is not whole: delete it`)
  const { topics, clusterId } = recording.source.origin
  const writer = await RecordingWriter.create(file, { topics: Object.fromEntries(topics), clusterId }, replace)
  const run = new RecordRun(recording, writer)
  onStart?.(() => run.progress())
  try {
    await run.run()
    return await run.finish()
  } catch (error) {
    await writer.discard()
    throw error
  }
}

function openSource(options: RecordOptions & { readonly broker: Broker }, filter: RecordFilter): Promise<ReplaySource> {
  const { broker, topics, live = false, stallMs } = options
  if (live && (filter.untilMs ?? filter.toOffset) !== undefined)
    throw new ReplayError('bad-option', 'live: goes on until max or the signal; leave until and toOffset out')
  if (topics.length === 0) throw new ReplayError('bad-option', 'topics: got none; allowed: at least one')
  return openTopics({
    ...filter,
    broker,
    topics: [...new Set(topics)],
    follow: live,
    atEnd: live && filter.sinceMs === undefined && filter.fromOffset === undefined,
    stallMs,
  })
}

interface Recording {
  readonly source: ReplaySource
  readonly filter: RecordFilter
  readonly max: number
  readonly signal: AbortSignal
  readonly formats: Formats | undefined
}

class RecordRun {
  readonly #recording: Recording
  readonly #writer: RecordingWriter
  readonly #hash = createStateHash()
  readonly #startedMs = performance.now()
  #filtered = 0

  constructor(recording: Recording, writer: RecordingWriter) {
    this.#recording = recording
    this.#writer = writer
  }

  async run(): Promise<void> {
    const { source, filter, max, signal } = this.#recording
    const writer = this.#writer
    for await (const records of source.read(signal)) {
      const kept = records.filter((record) => positionReason(record, filter) === undefined)
      this.#filtered += records.length - kept.length
      const room = kept.slice(0, max - writer.records)
      if ((await this.#recording.formats?.ready(room, signal)) === false) return
      for (const record of room) addToHash(this.#hash, record, this.#recording.formats)
      await writer.write(room)
      if (writer.records >= max) return
    }
  }

  async finish(): Promise<RecordReport> {
    const { source, signal } = this.#recording
    const writer = this.#writer
    const stateHash = this.#hash.digest()
    await writer.finish(stateHash)
    return {
      status: signal.aborted ? 'interrupted' : 'done',
      file: writer.path,
      bytes: writer.bytes,
      records: writer.records,
      filtered: this.#filtered,
      skipped: source.lost(),
      durationMs: performance.now() - this.#startedMs,
      stateHash,
    }
  }

  progress(): ReplayProgress {
    const { source, max } = this.#recording
    const { records } = this.#writer
    const fraction = source.fraction()
    const ofMax = Number.isFinite(max) ? records / max : undefined
    const elapsedMs = performance.now() - this.#startedMs
    return progressOf({ records, fraction: ofMax ?? fraction, behindMs: 0, elapsedMs })
  }
}

function addToHash(hash: StateHash, record: ReplayRecord, formats: Formats | undefined): void {
  const content = contentOf(record, formats)
  if (content.kind === 'delisted')
    for (const { chain, pair } of [content, ...(content.others ?? [])]) hash.delist(chain, pair)
  if (content.kind === 'prices') for (const update of content.updates) hash.updatePrice(update)
}
