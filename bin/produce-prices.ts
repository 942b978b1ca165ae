import { createPricePublisher, type PricePublisher } from '../producers/price-updates.ts'
import type { Broker } from '../src/broker/port.ts'
import { largestBytes } from '../src/broker/price-topics.ts'
import { expiryText, isExpiring, refusalOf, type TimeLimits, timeLimitsOf } from '../src/broker/topic-times.ts'
import { withAdmin } from '../src/broker/with-admin.ts'
import { ForewarmError } from '../src/forewarm-error.ts'
import { badPriceLine, type OnBadLine } from '../src/replay/source/bad-line.ts'
import { found, type Line, LineFile, linesOf } from '../src/replay/source/lines.ts'
import { type PriceLine, parsePriceLine } from '../src/replay/source/price-line.ts'
import { LostLedger, type LostRecords } from '../src/replay/source/source.ts'
import { codeOf } from './failure.ts'

export interface ProducePricesOptions {
  readonly broker: Broker
  readonly topic: string
  readonly partitions: number
  /** `-`: standard input. */
  readonly file: string
  readonly updatesPerRecord: number
  readonly encoding: 'json' | 'avro'
  readonly timestamps: 'broker' | 'event-time'
  readonly signal: AbortSignal
  /** Called once for each thing that the topic does to records with such times. */
  readonly onWarning: (warning: string) => void
  /** Called for each line that cannot be read, more than once if the file is. An error that it throws ends it. */
  readonly onBadLine: OnBadLine
  /** Whether it never throws. Otherwise a file is looked at before any of it is produced. */
  readonly skipsBad?: boolean
}

export interface ProduceReport {
  readonly status: 'done' | 'interrupted'
  readonly topic: string
  /** Updates and delistings that the broker acknowledged. */
  readonly produced: number
  readonly badLines: number
  /** Updates and delistings that it did not acknowledge. */
  readonly failed: number
  /** Why the first of them failed. */
  readonly failure: string | undefined
  /** All of them, by reason. */
  readonly refused: readonly LostRecords[]
}

const STANDARD_INPUT = '-'

/** How many updates may wait for their acknowledgement; the publisher's own bound is far above. */
const MOST_PENDING = 20_000

/** A pipe, with or without a name, can be read once only. */
async function isReadableTwice(file: string): Promise<boolean> {
  return file !== STANDARD_INPUT && (await found(file)).isFile()
}

/**
 * Writes the updates of a file to a topic. Throws before anything is written if a file has a line that `onBadLine` throws
 * for, or (a ForewarmError, `bad-value`) a time that the topic refuses.
 */
export async function producePrices(options: ProducePricesOptions): Promise<ProduceReport> {
  const watch = await timeWatch(options)
  if (options.timestamps === 'broker' && options.skipsBad !== true && (await isReadableTwice(options.file)))
    for await (const _ of parsedLines(options));
  const { broker, topic, partitions, updatesPerRecord, encoding, timestamps } = options
  const maxBatchBytes = await withAdmin(broker, (admin) => largestBytes(admin, topic))
  const producer = broker.producer()
  await producer.connect()
  const frames = { updatesPerRecord, encoding, timestamps, maxBatchBytes }
  const publisher = createPricePublisher({ producer, topic, partitions, ...frames })
  const run = new ProduceRun(publisher, options.onWarning)
  let badLines = 0
  try {
    for await (const lines of parsedLines(options)) {
      for (const { line, parsed } of lines) {
        watch?.(parsed)
        if (parsed.ok) await run.produce(parsed, `${nameOf(options)}, line ${line.number}`)
        else badLines++
      }
    }
    await publisher.flush()
  } catch (error) {
    await publisher.flush()
    if (run.produced > 0) options.onWarning(`${run.produced} updates of the lines before are written already`)
    throw error
  } finally {
    await publisher.close()
    await producer.close()
  }
  const { produced, failure } = run
  const refused = run.refused.list()
  const failed = refused.reduce((all, { records }) => all + records, 0)
  return {
    status: options.signal.aborted ? 'interrupted' : 'done',
    topic,
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
async function timeWatch(options: ProducePricesOptions): Promise<((line: PriceLine) => void) | undefined> {
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
function watching(limits: TimeLimits, tellExpiry: Tell, tellRefusal: Tell): (line: PriceLine) => void {
  const told = { expiry: false, refusal: false }
  return (line) => {
    if (!line.ok || line.kind !== 'prices') return
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

class ProduceRun {
  readonly #publisher: PricePublisher
  readonly #onRounded: Tell
  #pending = 0
  readonly refused = new LostLedger()
  produced = 0
  failure: string | undefined
  #hasRounded = false

  constructor(publisher: PricePublisher, onRounded: Tell) {
    this.#publisher = publisher
    this.#onRounded = onRounded
  }

  /** Resolves when the next line may be produced. The place is that of the line, in words. */
  async produce(line: PriceLine & { readonly ok: true }, place: string): Promise<void> {
    if (line.kind === 'delisted') {
      // A tombstone must not overtake updates of its pair that wait for their frame to fill.
      await this.#publisher.flush()
      this.#watch(this.#publisher.delist(line.chain, line.pair), place)
    } else {
      if (line.rounded !== undefined) this.#tellRounded(place)
      for (const update of line.updates) this.#watch(this.#publisher.produce(update), place)
    }
    if (this.#pending >= MOST_PENDING) await this.#publisher.flush()
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

interface ParsedLine {
  readonly line: Line
  readonly parsed: PriceLine
}

/** Without empty lines. The lines before a bad one are handed out before it is told. */
async function* parsedLines(options: ProducePricesOptions): AsyncGenerator<readonly ParsedLine[]> {
  for await (const lines of linesFrom(options)) {
    let ready: ParsedLine[] = []
    for (const line of lines) {
      const text = line.text.trim()
      if (text === '') continue
      const parsed = parsePriceLine({ text, isUtf8: line.isUtf8 })
      if (!parsed.ok) {
        yield ready
        ready = []
        options.onBadLine(badPriceLine(nameOf(options), line, parsed))
      }
      ready.push({ line, parsed })
    }
    yield ready
  }
}

function nameOf({ file }: ProducePricesOptions): string {
  return file === STANDARD_INPUT ? 'standard input' : file
}

/** The lines of the file. An interruption ends them at once, even while a pipe is silent. */
async function* linesFrom(options: ProducePricesOptions): AsyncGenerator<readonly Line[]> {
  const { file, signal } = options
  const isInput = file === STANDARD_INPUT
  try {
    yield* isInput ? linesOf(process.stdin, nameOf(options), signal) : new LineFile(file).read(signal)
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
