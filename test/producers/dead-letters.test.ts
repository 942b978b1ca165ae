import { describe, expect, test } from '@jest/globals'
import { createDeadLetters, type DeadLetterSource } from '../../producers/dead-letters.ts'
import { BrokerError, type OutgoingRecord, type Producer, type Stored } from '../../src/broker/port.ts'
import { virtualClock } from '../../src/clock.ts'
import { createMetrics } from '../../src/telemetry/metrics.ts'
import { batchOf } from '../consumers/batch.ts'

const T0 = 1_783_715_268_000

/** A producer that throws the given failures first. */
class ScriptedProducer implements Producer {
  readonly sent: [topic: string, record: OutgoingRecord][] = []
  readonly failures: Error[]

  constructor(...failures: Error[]) {
    this.failures = failures
  }

  partitionCount = 12
  asked = 0

  async connect(): Promise<void> {}

  async partitions(): Promise<number> {
    this.asked += 1
    return this.partitionCount
  }

  async sendBatch(topic: string, records: readonly OutgoingRecord[]): Promise<readonly Stored[]> {
    const failure = this.failures.shift()
    if (failure !== undefined) throw failure
    for (const record of records) this.sent.push([topic, record])
    return []
  }

  async flush(): Promise<void> {}

  async close(): Promise<void> {}
}

function stage(producer: Producer) {
  const clock = virtualClock(T0)
  const metrics = createMetrics()
  const slept: number[] = []
  const lost: [DeadLetterSource, unknown][] = []
  const send = createDeadLetters({
    producer,
    clock,
    metrics,
    groupId: 'forewarm.default',
    version: '1.2.3',
    onLost: (letter, error) => lost.push([letter, error]),
    sleep: async (ms) => {
      slept.push(ms)
      clock.advanceTo(clock.now() + ms)
    },
  })
  return { send, slept, lost, count: (name: string, labels = {}) => metrics.counter(name, labels).value }
}

const batch = batchOf(
  [
    { value: 'good' },
    {
      value: Buffer.from([0xff, 0x00]),
      key: Buffer.from([0xfe]),
      headers: [
        ['a', '1'],
        ['a', '2'],
      ],
      timestampMs: 1234,
    },
    { value: null },
  ],
  { topic: 'prices', partition: 7, baseOffset: 2n ** 40n },
)
const letter: DeadLetterSource = { batch, index: 1, reason: 'not-json', detail: 'Unexpected token' }
const away = () => new BrokerError('unreachable', 'away', { retriable: true })

function headersOf(record: OutgoingRecord | undefined): Record<string, Buffer> {
  return Object.fromEntries((record?.headers ?? []).map(([name, value]) => [name, value]))
}

describe('a dead letter', () => {
  test('has the bytes, key, headers and partition of its record', async () => {
    const producer = new ScriptedProducer()
    await stage(producer).send(letter)
    const [[topic, record] = []] = producer.sent
    expect(topic).toBe('prices.dlq')
    expect([record?.partition, record?.key, record?.value]).toEqual([7, Buffer.from([0xfe]), Buffer.from([0xff, 0x00])])
    expect(record?.headers?.slice(0, 2).map(([name, value]) => [name, String(value)])).toEqual([
      ['a', '1'],
      ['a', '2'],
    ])
  })

  test('goes to a partition that there is, if its topic has fewer than its origin, and to its own once it has as many', async () => {
    const producer = new ScriptedProducer()
    producer.partitionCount = 4
    const { send } = stage(producer)
    await Promise.all([send(letter), send(letter)])
    expect(producer.sent.map(([, { partition }]) => partition)).toEqual([3, 3])
    expect(producer.asked).toBe(1)
    producer.partitionCount = 12
    await send(letter)
    expect([producer.sent[2]?.[1].partition, producer.asked]).toEqual([7, 2])
    await send(letter)
    expect(producer.asked).toBe(2)
  })

  test('says where it comes from and why, as Spring for Apache Kafka writes it', async () => {
    const producer = new ScriptedProducer()
    await stage(producer).send(letter)
    const headers = headersOf(producer.sent[0]?.[1])
    expect(headers['kafka_dlt-original-partition']?.readInt32BE()).toBe(7)
    expect(headers['kafka_dlt-original-offset']?.readBigInt64BE()).toBe(2n ** 40n + 1n)
    expect(headers['kafka_dlt-original-timestamp']?.readBigInt64BE()).toBe(1234n)
    const texts = Object.entries(headers).map(([name, value]) => [name, String(value)])
    expect(Object.fromEntries(texts)).toMatchObject({
      'kafka_dlt-original-topic': 'prices',
      'kafka_dlt-original-consumer-group': 'forewarm.default',
      'kafka_dlt-exception-fqcn': 'forewarm.not-json',
      'kafka_dlt-exception-message': 'Unexpected token',
      'forewarm-error-code': 'not-json',
      'forewarm-attempts': '1',
      'forewarm-first-failure-ms': String(T0),
      'forewarm-version': '1.2.3',
    })
  })

  test('of a tombstone is a tombstone, and has no key where its record had none', async () => {
    const producer = new ScriptedProducer()
    await stage(producer).send({ ...letter, index: 2 })
    const record = producer.sent[0]?.[1]
    expect([record?.value, record !== undefined && 'key' in record]).toEqual([null, false])
  })

  test('names its cause in at most 500 characters', async () => {
    const producer = new ScriptedProducer()
    await stage(producer).send({ ...letter, detail: 'x'.repeat(4_000_000) })
    expect(headersOf(producer.sent[0]?.[1])['kafka_dlt-exception-message']?.length).toBe(500)
  })

  test('has the timestamp 0 if its record has none', async () => {
    const producer = new ScriptedProducer()
    const unstamped = batchOf([{ value: 'x', timestampMs: -1 }])
    await stage(producer).send({ ...letter, batch: unstamped, index: 0 })
    expect(headersOf(producer.sent[0]?.[1])['kafka_dlt-original-timestamp']?.readBigInt64BE()).toBe(0n)
  })

  test('is counted by topic and reason once it is acknowledged', async () => {
    const { send, count } = stage(new ScriptedProducer(away()))
    await send(letter)
    expect(count('dead_letters_total', { topic: 'prices', reason: 'not-json' })).toBe(1)
  })
})

describe('a dead letter that cannot be sent', () => {
  test('is sent again after growing delays, and says how often and since when', async () => {
    const producer = new ScriptedProducer(away(), away())
    const { send, slept, lost } = stage(producer)
    await send(letter)
    const headers = headersOf(producer.sent[0]?.[1])
    expect([String(headers['forewarm-attempts']), String(headers['forewarm-first-failure-ms'])]).toEqual([
      '3',
      String(T0),
    ])
    expect([slept, lost]).toEqual([[100, 400], []])
  })

  test('is given up after four attempts, counted and reported', async () => {
    const { send, slept, lost, count } = stage(new ScriptedProducer(away(), away(), away(), away()))
    await send(letter)
    expect(slept).toEqual([100, 400, 1600])
    expect(lost).toEqual([[letter, expect.objectContaining({ code: 'unreachable' })]])
    expect(count('drops_total', { reason: 'dead-letter-failed' })).toBe(1)
    expect(count('dead_letters_total', { topic: 'prices', reason: 'not-json' })).toBe(0)
  })

  test('is given up at once if its error is not retriable', async () => {
    for (const error of [new BrokerError('too-large', 'no', { retriable: false }), new TypeError('a bug')]) {
      const { send, slept, lost } = stage(new ScriptedProducer(error))
      await send(letter)
      const told = error instanceof BrokerError ? error : expect.objectContaining({ cause: error })
      expect([slept, lost]).toEqual([[], [[letter, told]]])
    }
  })
})
