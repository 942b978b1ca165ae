import { createPricePublisher, type PricePublisher } from '../producers/price-updates.ts'
import { checkedAhead } from '../schemas/event-time.ts'
import { partitionOf } from '../schemas/topics.ts'
import { MicroBatcher } from '../src/broker/micro-batch.ts'
import { type Broker, BrokerError, type Producer } from '../src/broker/port.ts'
import { largestBytes } from '../src/broker/price-topics.ts'
import { expiryText, isExpiring, refusalOf, type TimeLimits, timeLimitsOf } from '../src/broker/topic-times.ts'
import { withAdmin } from '../src/broker/with-admin.ts'
import { ForewarmError } from '../src/forewarm-error.ts'
import { LostLedger, type LostRecords } from '../src/replay/source/source.ts'
import { codeOf } from './failure.ts'
import {
  isReadableTwice,
  nameOf,
  type ParsedLine,
  type ProduceLinesOptions,
  parsedLines,
  type RecordLine,
} from './produce-lines.ts'

export interface ProducePricesOptions extends ProduceLinesOptions {
  readonly broker: Broker
  readonly partitions: number
  readonly updatesPerRecord: number
  readonly encoding: 'json' | 'avro'
  readonly timestamps: 'broker' | 'event-time'
  /** Called once for each thing that the topic does to records with such times. */
  readonly onWarning: (warning: string) => void
  /** Whether it never throws. Otherwise a file is looked at before any of it is produced. */
  readonly skipsBad?: boolean
}

export interface ProduceReport {
  readonly status: 'done' | 'interrupted'
  readonly topic: string
  /** The format that read the lines, which were written as they are. Absent: price updates, in our own format. */
  readonly format?: string
  /** Updates and delistings that the broker acknowledged; records, if they are written as they are. */
  readonly produced: number
  readonly badLines: number
  /** Updates and delistings that it did not acknowledge. */
  readonly failed: number
  /** Why the first of them failed. */
  readonly failure: string | undefined
  /** All of them, by reason. */
  readonly refused: readonly LostRecords[]
}

/** How many updates may wait for their acknowledgement; the publisher's own bound is far above. */
const MOST_PENDING = 20_000

/**
 * Writes the updates of a file to a topic, or its lines as they are, if they are records by the topic's format. Throws before anything is written if a file has a line that `onBadLine` throws
 * for, or (a ForewarmError, `bad-value`) a time that the topic refuses.
 */
export async function producePrices(options: ProducePricesOptions): Promise<ProduceReport> {
  const watch = await timeWatch(options)
  if (options.timestamps === 'broker' && options.skipsBad !== true && (await isReadableTwice(options.file)))
    for await (const _ of parsedLines(options));
  const { broker, topic, partitions, updatesPerRecord, encoding, timestamps, formats } = options
  const maxBatchBytes = await withAdmin(broker, (admin) => largestBytes(admin, topic))
  const producer = broker.producer()
  await producer.connect()
  const frames = { updatesPerRecord, encoding, timestamps, maxBatchBytes }
  const publisher = createPricePublisher({ producer, topic, partitions, ...frames })
  const records = new RecordWriter(producer, options)
  const run = new ProduceRun({ publisher, records }, options.onWarning)
  let badLines = 0
  try {
    for await (const lines of parsedLines(options)) {
      for (const { line, parsed } of lines) {
        watch?.(parsed)
        if (parsed.ok) await run.produce(parsed, `${nameOf(options)}, line ${line.number}`)
        else badLines++
      }
    }
    await run.flush()
  } catch (error) {
    await run.flush()
    if (run.produced > 0) options.onWarning(`${run.produced} updates of the lines before are written already`)
    throw error
  } finally {
    await publisher.close()
    await records.close()
    await producer.close()
  }
  const { produced, failure } = run
  const refused = run.refused.list()
  const failed = refused.reduce((all, { records: of }) => all + of, 0)
  const format = formats?.of(topic)?.name
  return {
    status: options.signal.aborted ? 'interrupted' : 'done',
    topic,
    ...(format !== undefined && { format }),
    produced,
    badLines,
    failed,
    failure,
    refused,
  }
}

type Tell = (text: string) => void

/**
 * What looks at the times of updates if these are those of records. A file is looked at here, before it is produced; a
 * pipe only while it is.
 */
async function timeWatch(options: ProducePricesOptions): Promise<((line: ParsedLine['parsed']) => void) | undefined> {
  const { broker, topic, file, timestamps, onWarning } = options
  if (timestamps === 'broker') return undefined
  const limits = await withAdmin(broker, (admin) => timeLimitsOf(admin, topic))
  if (!(await isReadableTwice(file))) return watching(limits, onWarning, onWarning)
  const watch = watching(limits, onWarning, (refusal) => {
    throw new ForewarmError('bad-value', refusal)
  })
  for await (const lines of parsedLines(options)) for (const { parsed } of lines) watch(parsed)
  return undefined
}

/** Tells once that an update will be deleted, and once that one will be refused. */
function watching(limits: TimeLimits, tellExpiry: Tell, tellRefusal: Tell): (line: ParsedLine['parsed']) => void {
  const told = { expiry: false, refusal: false }
  return (line) => {
    if (!line.ok || line.kind === 'delisted') return
    for (const { eventTimeMs } of line.updates) {
      const written = { timestampMs: Math.floor(eventTimeMs), atMs: Date.now() }
      const refusal = refusalOf(limits, written)
      if (refusal !== undefined && !told.refusal) {
        told.refusal = true
        tellRefusal(`${refusal}: produce without --event-time, or raise the setting`)
      }
      if (isExpiring(limits, written) && !told.expiry) {
        told.expiry = true
        tellExpiry(`${expiryText(limits, written)}; produce without --event-time, or set retention.ms=-1`)
      }
    }
  }
}

/** Writes the user's own records as they are. */
class RecordWriter {
  readonly #batcher: MicroBatcher
  readonly #options: ProducePricesOptions
  /** What says nothing of prices stays with the record before it. */
  #partition = 0

  constructor(producer: Producer, options: ProducePricesOptions) {
    this.#options = options
    this.#batcher = new MicroBatcher(producer, { topic: options.topic })
  }

  write({ value, updates, names, isOfOne }: RecordLine): Promise<void> {
    const { partitions, timestamps } = this.#options
    const newestMs = updates.reduce((newest, { eventTimeMs }) => Math.max(newest, eventTimeMs), 0)
    const against = checkedAhead(newestMs, Date.now())
    if (against !== undefined) return Promise.reject(new BrokerError('refused', against.detail, { retriable: false }))
    if (names !== undefined) this.#partition = partitionOf(names.chain, partitions)
    return this.#batcher.add({
      ...{ partition: this.#partition, value },
      ...(names !== undefined && { key: isOfOne ? names.pair : names.chain }),
      ...(timestamps === 'event-time' && updates.length > 0 && { timestampMs: Math.floor(newestMs) }),
    })
  }

  flush(): Promise<void> {
    return this.#batcher.flush()
  }

  close(): Promise<void> {
    return this.#batcher.close()
  }
}

interface Writers {
  readonly publisher: PricePublisher
  readonly records: RecordWriter
}

class ProduceRun {
  readonly #writers: Writers
  readonly #onRounded: Tell
  #pending = 0
  readonly refused = new LostLedger()
  produced = 0
  failure: string | undefined
  #hasRounded = false

  constructor(writers: Writers, onRounded: Tell) {
    this.#writers = writers
    this.#onRounded = onRounded
  }

  /** Resolves when the next line may be produced. The place is that of the line, in words. */
  async produce(line: ParsedLine['parsed'] & { readonly ok: true }, place: string): Promise<void> {
    const { publisher, records } = this.#writers
    if (line.kind === 'delisted') {
      // A tombstone must not overtake updates of its pair that wait for their frame to fill.
      await publisher.flush()
      this.#watch(publisher.delist(line.chain, line.pair), place)
    } else {
      if (line.rounded !== undefined) this.#tellRounded(place)
      if (line.kind === 'record') this.#watch(records.write(line), place)
      else for (const update of line.updates) this.#watch(publisher.produce(update), place)
    }
    if (this.#pending >= MOST_PENDING) await this.flush()
  }

  async flush(): Promise<void> {
    await Promise.all([this.#writers.publisher.flush(), this.#writers.records.flush()])
  }

  #tellRounded(place: string): void {
    if (this.#hasRounded) return
    this.#hasRounded = true
    this.#onRounded(`${place}: a number has more digits than a double holds: it is rounded, and so may be others`)
  }

  #watch(acknowledged: Promise<void>, place: string): void {
    this.#pending++
    acknowledged.then(
      () => {
        this.#pending--
        this.produced++
      },
      (error: unknown) => {
        this.#pending--
        const message = error instanceof Error ? error.message : String(error)
        this.refused.add(codeOf(error) ?? 'failed', 1, `${place}: ${message}`)
        this.failure ??= message
      },
    )
  }
}
