import { createPricePublisher, type PricePublisher } from '../producers/price-updates.ts'
import { KEY_SEPARATOR } from '../schemas/topics.ts'
import type { Broker } from '../src/broker/port.ts'
import { expiryText, isExpiring, refusalOf, type TimeLimits, timeLimitsOf } from '../src/broker/topic-times.ts'
import { withAdmin } from '../src/broker/with-admin.ts'
import { ForewarmError } from '../src/forewarm-error.ts'
import { type Line, LineFile, linesOf } from '../src/replay/source/lines.ts'
import { type PriceLine, parsePriceLine } from '../src/replay/source/price-line.ts'

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
  readonly onBadLine: (line: number, reason: string) => void
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
}

const STANDARD_INPUT = '-'

/** How many updates may wait for their acknowledgement; the publisher's own bound is far above. */
const MOST_PENDING = 20_000

/**
 * Writes the updates of a file to a topic. Bad lines are reported and left out. Throws a ForewarmError (`bad-value`) before
 * anything is written if a file has a time that the topic refuses.
 */
export async function producePrices(options: ProducePricesOptions): Promise<ProduceReport> {
  const watch = await timeWatch(options)
  const producer = options.broker.producer()
  await producer.connect()
  const { topic, partitions, updatesPerRecord, encoding, timestamps } = options
  const publisher = createPricePublisher({ producer, topic, partitions, updatesPerRecord, encoding, timestamps })
  const run = new ProduceRun(publisher)
  let badLines = 0
  try {
    for await (const lines of parsedLines(options)) {
      for (const { line, number } of lines) {
        watch?.(line)
        if (line.ok) await run.produce(line)
        else {
          badLines++
          options.onBadLine(number, `${line.reason}: ${line.detail}`)
        }
      }
    }
    await publisher.flush()
  } finally {
    await publisher.close()
    await producer.close()
  }
  const { produced, failed, failure } = run
  return { status: options.signal.aborted ? 'interrupted' : 'done', topic, produced, badLines, failed, failure }
}

type Tell = (text: string) => void

/**
 * What looks at the times of updates if these are those of records. A file is looked at here, before it is produced;
 * standard input only while it is.
 */
async function timeWatch(options: ProducePricesOptions): Promise<((line: PriceLine) => void) | undefined> {
  const { broker, topic, file, timestamps, onWarning } = options
  if (timestamps === 'broker') return undefined
  const limits = await withAdmin(broker, (admin) => timeLimitsOf(admin, topic))
  if (file === STANDARD_INPUT) return watching(limits, onWarning, onWarning)
  const watch = watching(limits, onWarning, (refusal) => {
    throw new ForewarmError('bad-value', refusal)
  })
  for await (const lines of parsedLines(options)) for (const { line } of lines) watch(line)
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
  #pending = 0
  produced = 0
  failed = 0
  failure: string | undefined

  constructor(publisher: PricePublisher) {
    this.#publisher = publisher
  }

  /** Resolves when the next line may be produced. */
  async produce(line: PriceLine & { readonly ok: true }): Promise<void> {
    if (line.kind === 'delisted') {
      // A tombstone must not overtake updates of its pair that wait for their frame to fill.
      await this.#publisher.flush()
      const [chain = '', pair = ''] = line.key.split(KEY_SEPARATOR)
      this.#watch(this.#publisher.delist(chain, pair))
    } else {
      for (const update of line.updates) this.#watch(this.#publisher.produce(update))
    }
    if (this.#pending >= MOST_PENDING) await this.#publisher.flush()
  }

  #watch(acknowledged: Promise<void>): void {
    this.#pending++
    acknowledged.then(
      () => {
        this.#pending--
        this.produced++
      },
      (error: unknown) => {
        this.#pending--
        this.failed++
        this.failure ??= error instanceof Error ? error.message : String(error)
      },
    )
  }
}

/** Without empty lines. */
async function* parsedLines(
  options: ProducePricesOptions,
): AsyncGenerator<readonly { line: PriceLine; number: number }[]> {
  for await (const lines of linesFrom(options)) {
    const filled = lines.filter(({ text }) => text.trim() !== '')
    yield filled.map(({ text, isUtf8, number }) => ({ line: parsePriceLine({ text: text.trim(), isUtf8 }), number }))
  }
}

/** The lines of the file. An interruption ends them at once, even while standard input is silent. */
async function* linesFrom({ file, signal }: ProducePricesOptions): AsyncGenerator<readonly Line[]> {
  const isInput = file === STANDARD_INPUT
  const stop = () => process.stdin.destroy()
  if (isInput) signal.addEventListener('abort', stop, { once: true })
  try {
    for await (const lines of isInput ? linesOf(process.stdin, 'standard input') : new LineFile(file).read()) {
      if (signal.aborted) return
      yield lines
    }
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
