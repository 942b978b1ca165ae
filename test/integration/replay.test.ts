import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { PriceUpdate } from '../../schemas/price-update.ts'
import { pairKey, partitionOf } from '../../schemas/topics.ts'
import { createKafkaBroker } from '../../src/broker/kafka/broker.ts'
import type { Admin, Broker, OutgoingRecord } from '../../src/broker/port.ts'
import { record } from '../../src/replay/record.ts'
import { replay } from '../../src/replay/replay.ts'
import type { ReplayRecord } from '../../src/replay/replay-record.ts'
import { kafkaBrokers, uniqueName } from '../harness/kafka.ts'
import { until } from '../harness/until.ts'

const PARTITIONS = 4
const UPDATES = 5000
const T0 = Date.now() - 3_600_000

let broker: Broker
let admin: Admin
let folder: string
let topic: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forewarm-replay-'))
  broker = createKafkaBroker({ brokers: kafkaBrokers(), clientId: 'replay-test' })
  admin = broker.admin()
  await admin.connect()
})
afterAll(async () => {
  await broker.close()
  await rm(folder, { recursive: true })
})
beforeEach(async () => {
  topic = uniqueName('prices')
  await admin.createTopics([{ topic, partitions: PARTITIONS }])
})

/** Updates of 40 pairs in 8 chains, a tombstone now and then, each in its chain's partition. */
function market(count: number, fromMs = T0): OutgoingRecord[] {
  return Array.from({ length: count }, (_, i) => {
    const update: PriceUpdate = {
      chain: `chain-${i % 8}`,
      pair: `pair-${i % 40}`,
      price: 1 + (i % 11),
      eventTimeMs: fromMs + i * 10,
    }
    const isDelisting = i % 501 === 500
    return {
      partition: partitionOf(update.chain, PARTITIONS),
      key: pairKey(update.chain, update.pair),
      value: isDelisting ? null : JSON.stringify(update),
      headers: [['traceparent', Buffer.from('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01')]],
      timestampMs: update.eventTimeMs,
    }
  })
}

async function produce(records: readonly OutgoingRecord[]): Promise<void> {
  const producer = broker.producer()
  await producer.connect()
  for (let i = 0; i < records.length; i += 1000) await producer.sendBatch(topic, records.slice(i, i + 1000))
  await producer.close()
}

async function recordsOf(name: string): Promise<ReplayRecord[]> {
  const records: ReplayRecord[] = []
  await replay({ broker, from: { topic: name }, to: { inProcess: { apply: (one) => void records.push(one) } } })
  return records
}

describe('replay on a real Kafka', () => {
  test('a topic, its recording, and a topic replayed from the recording have the same state hash', async () => {
    await produce(market(UPDATES))
    const file = join(folder, `${topic}.ndjson.gz`)
    const recorded = await record({ broker, topics: [topic], file })
    expect(recorded).toMatchObject({ status: 'done', records: UPDATES, skipped: [] })

    const target = `test.${topic}`
    const replayed = await replay({ broker, from: { file }, to: { topicPrefix: 'test.' }, verifyHash: true })
    expect(replayed).toMatchObject({ replayed: UPDATES, hashMatches: true, failed: [] })
    expect(replayed.targets).toEqual([
      { topic: target, partitions: PARTITIONS, created: true, records: UPDATES, expiring: 0 },
    ])

    const original = await recordsOf(topic)
    const copy = await recordsOf(target)
    const essence = ({ partition, timestampMs, key, value }: ReplayRecord) => [
      partition,
      timestampMs,
      `${key}`,
      `${value}`,
    ]
    expect(copy.map(essence)).toEqual(original.map(essence))
    expect(copy.some(({ headers }) => headers.length > 0)).toBe(false)

    const back = await replay({ broker, from: { topic: target }, to: { inProcess: { apply: () => {} } } })
    expect(back.stateHash).toBe(recorded.stateHash)
    expect((await admin.topicConfig(target, ['retention.ms'])).get('retention.ms')).toBe('-1')
  })

  test('replay merges partitions by timestamp, and its end is fixed at the start', async () => {
    await produce(market(UPDATES))
    const times: number[] = []
    let more: Promise<void> | undefined
    const inProcess = {
      apply: (one: ReplayRecord) => {
        times.push(one.timestampMs)
        more ??= produce(market(100, T0 + 3_000_000))
        return more
      },
    }
    await replay({ broker, from: { topic }, to: { inProcess } })
    expect(times).toEqual(market(UPDATES).map(({ timestampMs }) => timestampMs))
  })

  test('replay of a time range reads the records in it', async () => {
    await produce(market(UPDATES))
    const since = T0 + 10_000
    const report = await replay({
      broker,
      from: { topic, since, until: since + 1000 },
      to: { inProcess: { apply: () => {} } },
    })
    expect(report).toMatchObject({ replayed: 100, firstTimestampMs: since, lastTimestampMs: since + 990 })
  })

  test('replay of an empty topic or an empty range ends at once', async () => {
    const to = { inProcess: { apply: () => {} } }
    expect((await replay({ broker, from: { topic }, to })).replayed).toBe(0)
    await produce(market(10))
    expect((await replay({ broker, from: { topic, since: Date.now() }, to })).replayed).toBe(0)
  })

  test('a record that is too large for the target is left out, and each other one is written once', async () => {
    const records = market(100)
    const large = { partition: 1, value: Buffer.alloc(20_000, 'x'), timestampMs: T0 + 500 }
    await produce([...records, large])
    const target = uniqueName('small')
    await admin.createTopics([{ topic: target, partitions: PARTITIONS, config: { 'max.message.bytes': '10000' } }])
    const report = await replay({ broker, from: { topic }, to: { topic: target } })
    expect(report.failed).toEqual([{ reason: 'too-large', records: 1, first: `${target}/1` }])
    expect(report.targets).toMatchObject([{ records: records.length }])
    expect((await recordsOf(target)).map(({ timestampMs }) => timestampMs)).toEqual(
      records.map(({ timestampMs }) => timestampMs),
    )
  })

  test('replay writes neither into the topic that it reads nor into a protected cluster', async () => {
    await produce(market(10))
    const from = { topic }
    await expect(replay({ broker, from, to: { topic } })).rejects.toMatchObject({ code: 'same-topic' })
    const protectedClusters = [await admin.clusterId()]
    await expect(replay({ broker, from, to: { topicPrefix: 'p.' }, protectedClusters })).rejects.toMatchObject({
      code: 'protected-cluster',
    })
    expect(await admin.partitions(`p.${topic}`)).toBeUndefined()
  })

  test('a timestamp that the broker would refuse ends the replay with `timestamp-ahead`, and can be shifted', async () => {
    const tomorrow = Date.now() + 86_400_000
    const file = join(folder, 'tomorrow.ndjson')
    const { writeFile } = await import('node:fs/promises')
    await writeFile(file, `${JSON.stringify({ chain: 'c', pair: 'p', price: 1, eventTimeMs: tomorrow })}\n`)
    const options = { broker, from: { file }, to: { topic } }
    await expect(replay(options)).rejects.toMatchObject({ code: 'timestamp-ahead' })
    expect(await replay({ ...options, timestamps: 'shift' })).toMatchObject({ replayed: 1, failed: [] })
    expect((await recordsOf(topic))[0]?.timestampMs).toBeLessThan(tomorrow)
  })

  test('a live recording holds the records that came while it ran', async () => {
    await produce(market(50))
    const file = join(folder, `${topic}-live.ndjson`)
    const abort = new AbortController()
    const started = Promise.withResolvers<() => { readonly records: number }>()
    const recording = record({
      broker,
      topics: [topic],
      file,
      live: true,
      signal: abort.signal,
      onStart: started.resolve,
    })
    const progress = await started.promise
    await produce(market(100, T0 + 1_000_000))
    await until('all is recorded', () => progress().records === 100)
    abort.abort()
    expect(await recording).toMatchObject({ records: 100 })
  })

  test('replay leaves no consumer group behind', async () => {
    await produce(market(10))
    await recordsOf(topic)
    const { Kafka } = await import('kafkajs')
    const client = new Kafka({ brokers: kafkaBrokers(), logLevel: 0 }).admin()
    await client.connect()
    await until('it is gone', async () => {
      const { groups } = await client.listGroups()
      return groups.every(({ groupId }) => !groupId.startsWith('forewarm-replay'))
    })
    await client.disconnect()
  })
})
