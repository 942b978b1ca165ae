import { expect } from '@jest/globals'
import { type Stack, startStack } from '../../deploy/stack/stack.ts'
import { createKafkaBroker } from '../../src/broker/kafka/broker.ts'
import { MicroBatcher } from '../../src/broker/micro-batch.ts'
import { uniqueName } from '../harness/kafka.ts'
import { until } from '../harness/until.ts'
import { newTopic, type Stage, setStage, startReader } from './conformance/stage.ts'

const BROKERS = 3
const PARTITIONS = 6
const EVERY_MS = 10
const PATIENCE = { timeoutMs: 120_000 }

export type Fault = 'is killed' | 'is restarted' | 'hangs'

/**
 * Three brokers of its own that fail in turns while records are produced, some hundred a second in each partition. In the
 * end each record that was acknowledged is in the log, once and in the order of the calls, and no other one is twice.
 */
export async function expectAcknowledgedAreStored(faults: readonly Fault[]): Promise<void> {
  const stack = await startStack({ brokers: BROKERS, redis: false })
  const broker = createKafkaBroker({ brokers: stack.brokers, clientId: uniqueName('ledger') })
  try {
    const stage = await setStage(broker)
    const ledger = new ProducerLedger(stage, await newTopic(stage, PARTITIONS))
    try {
      for (const [round, fault] of faults.entries()) await ledger.outlives(stack, { index: round % BROKERS, fault })
    } finally {
      await ledger.end()
    }
    await ledger.check()
  } finally {
    await broker.close()
    await stack.stop()
  }
}

interface Happening {
  readonly index: number
  readonly fault: Fault
}

class ProducerLedger {
  readonly #stage: Stage
  readonly #topic: string
  readonly #batcher: MicroBatcher
  readonly #feed: NodeJS.Timeout
  readonly #sent: string[][] = Array.from({ length: PARTITIONS }, () => [])
  readonly #acknowledged = new Set<string>()
  /** The place of the latest record that each partition has taken. */
  readonly #latest: number[] = Array(PARTITIONS).fill(-1)
  readonly #failures: unknown[] = []

  constructor(stage: Stage, topic: string) {
    this.#stage = stage
    this.#topic = topic
    this.#batcher = new MicroBatcher(stage.producer, { topic })
    this.#feed = setInterval(() => this.#send(), EVERY_MS)
  }

  /** Resolves when the broker is back, and every partition has taken records while it was away. */
  async outlives(stack: Stack, { index, fault }: Happening): Promise<void> {
    if (fault === 'is killed') await stack.killBroker(index)
    else if (fault === 'hangs') await stack.pauseBroker(index)
    else await stack.stopBroker(index)
    await this.#everyPartition('takes records without the broker')
    stack.resumeBroker(index)
    // If it runs, this only waits until it is in sync.
    await stack.startBroker(index)
    await this.#everyPartition('takes records with the broker')
  }

  async end(): Promise<void> {
    clearInterval(this.#feed)
    await this.#batcher.close()
  }

  /** What was rejected may be stored, too, as the errors say. */
  async check(): Promise<void> {
    for (const failure of this.#failures) expect(failure).toMatchObject({ name: 'BrokerError', code: 'unreachable' })
    const reader = await startReader(this.#stage, { topics: [this.#topic] })
    const ends = await this.#stage.admin.offsets(this.#topic)
    const stored = ends.reduce((sum, { stableEnd }) => sum + Number(stableEnd), 0)
    await until('all are read', () => reader.seen.length >= stored, PATIENCE)
    await reader.consumer.stop()
    for (const [partition, values] of this.#sent.entries()) {
      const seen = reader.seen.filter((each) => each.partition === partition).map(({ value }) => String(value))
      expect(seen).toEqual([...new Set(seen)])
      const isAcknowledged = (value: string) => this.#acknowledged.has(value)
      expect(seen.filter(isAcknowledged)).toEqual(values.filter(isAcknowledged))
    }
  }

  #send(): void {
    for (const [partition, values] of this.#sent.entries()) {
      for (let i = 0; i < 2; i++) {
        const place = values.length
        const value = `${partition} ${place}`
        values.push(value)
        this.#batcher.add({ partition, value }).then(
          () => {
            this.#acknowledged.add(value)
            this.#latest[partition] = place
          },
          (error: unknown) => this.#failures.push(error),
        )
      }
    }
  }

  async #everyPartition(what: string): Promise<void> {
    const from = this.#sent.map((values) => values.length)
    const areTaken = () => from.every((place, partition) => (this.#latest[partition] ?? -1) >= place)
    await until(`every partition ${what}`, areTaken, PATIENCE)
  }
}
