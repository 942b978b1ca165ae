import { expect } from '@jest/globals'
import { type Stack, startStack } from '../../deploy/stack/stack.ts'
import { createKafkaBroker } from '../../src/broker/kafka/broker.ts'
import { uniqueName } from '../harness/kafka.ts'
import { PacedLoad } from '../harness/paced-load.ts'
import { until } from '../harness/until.ts'
import { newGroup, newTopic, type Reader, type Stage, setStage, startReader } from './conformance/stage.ts'

const BROKERS = 3
const MEMBERS = 3
const PARTITIONS = 6
const RECORDS_PER_SECOND = 600
const SESSION_MS = 2_000
const PATIENCE = { timeoutMs: 120_000 }

/** What happens in one round: to a broker, or to a member, which stops while another one starts. */
export type Mishap = 'broker is killed' | 'broker is restarted' | 'member is replaced'

/**
 * A group of three under load, on three brokers of its own that fail in turns. In each round every partition goes on, and
 * in the end every record that was acknowledged was handled.
 */
export async function expectAcknowledgedAreHandled(mishaps: readonly Mishap[]): Promise<void> {
  const stack = await startStack({ brokers: BROKERS, redis: false })
  const broker = createKafkaBroker({
    ...{ brokers: stack.brokers, clientId: uniqueName('group-ledger') },
    sessionTimeoutMs: SESSION_MS,
  })
  try {
    const stage = await setStage(broker)
    const ledger = await GroupLedger.start(stage, stack)
    try {
      for (const [round, mishap] of mishaps.entries()) await ledger.outlives(mishap, round % BROKERS)
    } finally {
      await ledger.end()
    }
    await until('every acknowledged record is handled', () => ledger.missing === 0, PATIENCE)
    expect(ledger.acknowledged).toBeGreaterThan(0)
  } finally {
    await broker.close()
    await stack.stop()
  }
}

class GroupLedger {
  readonly #stage: Stage
  readonly #stack: Stack
  readonly #topic: string
  readonly #groupId = newGroup()
  readonly #handled = new Set<string>()
  /** How many records each partition has had handled. */
  readonly #counts: number[] = Array(PARTITIONS).fill(0)
  readonly #members: Reader[] = []
  readonly #load: PacedLoad

  private constructor(stage: Stage, stack: Stack, topic: string) {
    this.#stage = stage
    this.#stack = stack
    this.#topic = topic
    const load = { producer: stage.producer, topic, partitions: PARTITIONS, prefix: '' }
    this.#load = new PacedLoad({ ...load, recordsPerSecond: RECORDS_PER_SECOND })
  }

  static async start(stage: Stage, stack: Stack): Promise<GroupLedger> {
    const ledger = new GroupLedger(stage, stack, await newTopic(stage, PARTITIONS))
    for (let i = 0; i < MEMBERS; i++) await ledger.#join()
    await ledger.#everyPartition('is handled')
    return ledger
  }

  get acknowledged(): number {
    return this.#load.acknowledged.length
  }

  get missing(): number {
    return this.#load.acknowledged.filter((value) => !this.#handled.has(value)).length
  }

  async outlives(mishap: Mishap, index: number): Promise<void> {
    if (mishap === 'member is replaced') {
      const [first] = this.#members.splice(0, 1)
      await Promise.all([first?.consumer.stop(), this.#join()])
    } else {
      if (mishap === 'broker is killed') await this.#stack.killBroker(index)
      else await this.#stack.stopBroker(index)
      await this.#everyPartition('is handled without the broker')
      await this.#stack.startBroker(index)
    }
    await this.#everyPartition('is handled')
  }

  end(): Promise<void> {
    return this.#load.stop()
  }

  async #join(): Promise<void> {
    const member = await startReader(this.#stage, {
      topics: [this.#topic],
      groupId: this.#groupId,
      onBatch: async (batch) => {
        for (let index = 0; index < batch.count; index++) this.#handled.add(String(batch.value(index)))
        this.#counts[batch.partition] = (this.#counts[batch.partition] ?? 0) + batch.count
        return batch.count
      },
    })
    this.#members.push(member)
  }

  async #everyPartition(what: string): Promise<void> {
    const from = [...this.#counts]
    const goesOn = () => this.#counts.every((count, partition) => count > (from[partition] ?? 0))
    await until(`every partition ${what}`, goesOn, PATIENCE)
  }
}
