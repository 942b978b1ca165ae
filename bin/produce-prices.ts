import { createPricePublisher, type PricePublisher } from '../producers/price-updates.ts'
import { KEY_SEPARATOR } from '../schemas/topics.ts'
import type { Broker } from '../src/broker/port.ts'
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

/** How many updates may wait for their acknowledgement; the publisher's own bound is far above. */
const MOST_PENDING = 20_000

/** Writes the updates of a file to a topic. Bad lines are reported and left out. */
export async function producePrices(options: ProducePricesOptions): Promise<ProduceReport> {
  const producer = options.broker.producer()
  await producer.connect()
  const { topic, partitions, updatesPerRecord, encoding, timestamps } = options
  const publisher = createPricePublisher({ producer, topic, partitions, updatesPerRecord, encoding, timestamps })
  const run = new ProduceRun(publisher)
  let badLines = 0
  try {
    for await (const lines of linesFrom(options)) {
      for (const { text, isUtf8, number } of lines) {
        if (text.trim() === '') continue
        const line = parsePriceLine({ text: text.trim(), isUtf8 })
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

/** The lines of the file. An interruption ends them at once, even while standard input is silent. */
async function* linesFrom({ file, signal }: ProducePricesOptions): AsyncGenerator<readonly Line[]> {
  const isInput = file === '-'
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
