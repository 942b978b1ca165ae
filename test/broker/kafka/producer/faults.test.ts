import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import fc from 'fast-check'
import { BatchError } from '../../../../src/broker/batch-error.ts'
import { KafkaProducer } from '../../../../src/broker/kafka/producer/producer.ts'
import { systemTimer } from '../../../../src/timer.ts'
import { type Fate, ModelCluster } from './model-cluster.ts'
import type { ModelPartition } from './model-partition.ts'

const PARTITIONS = 3
const BROKERS = 3
const NOT_LEADER = 6
const REQUEST_TIMED_OUT = 7
const NOT_ENOUGH_REPLICAS = 19
const NOT_ENOUGH_REPLICAS_AFTER_APPEND = 20
const STORAGE_ERROR = 56

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'queueMicrotask', 'nextTick'] })
})

afterEach(() => {
  jest.useRealTimers()
})

const partition = fc.nat(PARTITIONS - 1)
const ms = fc.integer({ min: 0, max: 1_500 })
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      does: fc.constant('send'),
      partitions: fc.array(partition, { minLength: 1, maxLength: 6 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ does: fc.constant('pass'), ms }) },
  {
    weight: 2,
    arbitrary: fc.record({ does: fc.constant('lose'), what: fc.constantFrom<Fate>('lost', 'answer lost') }),
  },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('hold'), ms, isGivenUp: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({ does: fc.constant('move'), partition, to: fc.integer({ min: 1, max: BROKERS }) }),
  },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('away'), node: fc.integer({ min: 0, max: BROKERS }), ms }) },
  {
    weight: 1,
    arbitrary: fc.record({
      does: fc.constant('refuse'),
      code: fc.constantFrom(NOT_LEADER, NOT_ENOUGH_REPLICAS, STORAGE_ERROR),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      does: fc.constant('doubt'),
      code: fc.constantFrom(REQUEST_TIMED_OUT, NOT_ENOUGH_REPLICAS_AFTER_APPEND),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ does: fc.constant('limit'), partition, bytes: fc.integer({ min: 72, max: 120 }) }),
  },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('forget'), partition }) },
)

test('whatever breaks, a record that the producer acknowledged is stored once, in order, and no other one twice', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 60 }), async (steps) => {
      const run = await FaultRun.begin()
      for (const each of steps) await run.take(each)
      await run.end()
      run.check()
    }),
    { numRuns: 1_000 },
  )
})

interface Step {
  readonly does: string
  readonly partitions?: readonly number[]
  readonly partition?: number
  readonly what?: Fate
  readonly ms?: number
  readonly isGivenUp?: boolean
  readonly to?: number
  readonly node?: number
  readonly code?: number
  readonly bytes?: number
}

class FaultRun {
  readonly #cluster = new ModelCluster()
  readonly #partitions: ModelPartition[]
  readonly #producer: KafkaProducer
  readonly #sends: Promise<void>[] = []
  readonly #fates: Fate[] = []
  /** Values by their outcome; those that are acknowledged by partition, in the order of the calls. */
  readonly #acknowledged = new Set<string>()
  readonly #refused = new Set<string>()
  readonly #sent: string[][] = Array.from({ length: PARTITIONS }, () => [])
  #count = 0

  private constructor() {
    this.#partitions = this.#cluster.topic('prices', [1, 2, 3])
    this.#cluster.fateOf = () => this.#fates.shift() ?? 'answered'
    this.#producer = new KafkaProducer(this.#cluster, {
      compressor: undefined,
      isIdempotent: true,
      deliveryTimeoutMs: 2_000,
      requestTimeoutMs: undefined,
      maxPendingBatches: 1_000,
      closeTimeoutMs: 10_000,
      onEvent: () => undefined,
    })
  }

  static async begin(): Promise<FaultRun> {
    const run = new FaultRun()
    await run.#producer.connect()
    return run
  }

  async take(step: Step): Promise<void> {
    const { partition = 0, ms = 0 } = step
    const model = this.#partitions[partition]
    switch (step.does) {
      case 'send':
        this.#sends.push(this.#send(step.partitions ?? []))
        break
      case 'pass':
        return jest.advanceTimersByTimeAsync(ms).then(() => undefined)
      case 'lose':
        this.#fates.push(step.what ?? 'lost')
        break
      case 'hold': {
        const release = new Promise<void>((resolve) => systemTimer(ms, resolve))
        this.#fates.push({ release, isGivenUp: step.isGivenUp ?? false })
        break
      }
      case 'move':
        if (model !== undefined) model.leader = step.to ?? 1
        break
      case 'away':
        this.#cluster.away.add(step.node ?? 0)
        systemTimer(ms, () => this.#cluster.away.delete(step.node ?? 0))
        break
      case 'refuse':
        this.#cluster.errors.push(step.code ?? 0)
        break
      case 'doubt':
        this.#cluster.lateErrors.push(step.code ?? 0)
        break
      case 'limit':
        if (model !== undefined) model.maxBatchBytes = step.bytes ?? Number.POSITIVE_INFINITY
        break
      case 'forget':
        // The first batches of a producer that is not known may come in any order, so none is in flight now.
        await this.#quiet()
        model?.forgetProducers()
    }
  }

  async end(): Promise<void> {
    await this.#quiet()
    const closed = this.#producer.close()
    await jest.advanceTimersByTimeAsync(10_000)
    await closed
  }

  check(): void {
    for (const [partition, { values }] of this.#partitions.entries()) {
      expect(values).toEqual([...new Set(values)])
      const sent = this.#sent[partition] ?? []
      const acknowledged = (list: readonly string[]) => list.filter((value) => this.#acknowledged.has(value))
      expect(acknowledged(values)).toEqual(acknowledged(sent))
      for (const value of values) expect(this.#refused.has(value)).toBe(false)
    }
    expect(this.#count).toBe(this.#sent.flat().length)
  }

  async #quiet(): Promise<void> {
    let isQuiet = false
    const sends = Promise.allSettled(this.#sends).then(() => {
      isQuiet = true
    })
    while (!isQuiet) await jest.advanceTimersByTimeAsync(50)
    await sends
    // What was given up may still be on its way.
    await jest.advanceTimersByTimeAsync(2_000)
  }

  async #send(partitions: readonly number[]): Promise<void> {
    const records = partitions.map((partition) => ({ partition, value: `${this.#count++}` }))
    for (const { partition, value } of records) this.#sent[partition]?.push(value)
    try {
      await this.#producer.sendBatch('prices', records)
      for (const { value } of records) this.#acknowledged.add(value)
    } catch (error) {
      if (!(error instanceof BatchError)) throw error
      for (const [place, { value }] of records.entries()) {
        const failure = error.failures.get(place)
        if (failure === undefined) this.#acknowledged.add(value)
        else if (failure.code === 'too-large') this.#refused.add(value)
      }
    }
  }
}
