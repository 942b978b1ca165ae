import { expect, test } from '@jest/globals'
import { rewind } from '../../consumers/rewind.ts'
import { encodePriceJson } from '../../schemas/price-json.ts'
import { createMemoryBroker, type MemoryBroker } from '../../src/broker/memory/broker.ts'
import type { Broker, Consumer, TopicPartitionOffset } from '../../src/broker/port.ts'
import { PairTable } from '../../src/cache/names/pair-table.ts'
import { Formats, formatRules } from '../../src/formats/formats.ts'
import type { SchemaSource } from '../../src/formats/registry/schema-source.ts'
import { framed, schemasOf } from '../formats/avro/stage.ts'

const TOPIC = 'prices'
const BEGAN_MS = 1_767_225_600_000

async function brokerWith(partitions: readonly (readonly number[])[], broken?: number): Promise<MemoryBroker> {
  const broker = createMemoryBroker({ partitions: { [TOPIC]: partitions.length } })
  const producer = broker.producer()
  await producer.connect()
  for (const [partition, times] of partitions.entries())
    for (const [n, ms] of times.entries()) {
      const atMs = BEGAN_MS + ms
      const update = { pair: `P${partition}.${n}`, chain: 'c', price: 1, eventTimeMs: atMs }
      const value = n === broken ? 'no price' : encodePriceJson(update)
      await producer.sendBatch(TOPIC, [{ partition, key: 'c', value, timestampMs: atMs }])
    }
  return broker
}

async function seen(broker: MemoryBroker, offsets: readonly number[], windowMs = 1_000): Promise<readonly string[]> {
  const table = new PairTable({ maxPairs: 10_000 })
  const pairs: string[] = []
  const options = {
    ...{ broker, table, windowMs, groupId: 'rewind', nowMs: () => BEGAN_MS + 1e6 },
  }
  const tracker = { observeEarlier: (pairId: number) => void pairs.push(table.namesOf(pairId).pair) }
  const positions = offsets.map(
    (offset, partition): TopicPartitionOffset => ({ topic: TOPIC, partition, offset: BigInt(offset) }),
  )
  const show = await rewind(options, positions, new AbortController().signal)
  expect(pairs).toEqual([])
  expect(show(tracker)).toBe(pairs.length)
  await broker.close()
  return pairs
}

test('what came within the window before the position of a partition is read again, and nothing after it', async () => {
  const broker = await brokerWith([[0, 5_000, 7_000, 7_500, 8_000, 8_100]])
  expect(await seen(broker, [5])).toEqual(['P0.2', 'P0.3', 'P0.4'])
})

test('each partition has a window of its own, and one at its start has none', async () => {
  const broker = await brokerWith([
    [0, 50_000, 50_500],
    [0, 100_000, 100_200, 100_900],
    [70_000, 70_001],
  ])
  expect(await seen(broker, [2, 4, 0])).toEqual(['P0.1', 'P1.1', 'P1.2', 'P1.3'])
})

test('a partition with thousands of records in its window is read further back, oldest first', async () => {
  const times = Array.from({ length: 5_000 }, (_, n) => (n < 1_000 ? 0 : 10_000 + Math.floor(n / 10)))
  const broker = await brokerWith([times])
  const pairs = await seen(broker, [5_000])
  expect(pairs).toEqual(times.flatMap((ms, n) => (ms >= 9_499 ? [`P0.${n}`] : [])))
})

test('records that cannot be read are passed over', async () => {
  const broker = await brokerWith([[0, 100, 200]], 1)
  expect(await seen(broker, [3])).toEqual(['P0.0', 'P0.2'])
})

test('a broker that is away ends the rewind when the signal is aborted', async () => {
  const broker = await brokerWith([[0, 100, 200]])
  const ending = new AbortController()
  const table = new PairTable({ maxPairs: 10 })
  const options = { broker, table, windowMs: 10, groupId: 'rewind', nowMs: () => 0 }
  broker.disconnect()
  const rewound = rewind(options, [{ topic: TOPIC, partition: 0, offset: 3n }], ending.signal)
  ending.abort()
  await expect(rewound).rejects.toThrow()
  await broker.close()
})

test('a broker that never answers a start ends the rewind when the signal is aborted', async () => {
  const broker = await brokerWith([[0, 100, 200]])
  const ending = new AbortController()
  const deaf: Broker['consumer'] = (of) =>
    Object.assign(Object.create(broker.consumer(of)) as Consumer, {
      start: () => new Promise<void>(() => undefined),
      stop: () => new Promise<void>(() => undefined),
    })
  const table = new PairTable({ maxPairs: 10 })
  const options = { broker: { ...broker, consumer: deaf }, table, windowMs: 10, groupId: 'rewind', nowMs: () => 0 }
  const rewound = rewind(options, [{ topic: TOPIC, partition: 0, offset: 3n }], ending.signal)
  ending.abort()
  await expect(rewound).rejects.toThrow()
  await broker.close()
})

test('a record whose schema cannot be had is passed over: it is read only to learn from it', async () => {
  const broker = createMemoryBroker({ partitions: { [TOPIC]: 1 } })
  const producer = broker.producer()
  await producer.connect()
  const schema = { type: 'record', name: 'Q', fields: [{ name: 's', type: 'string' }] }
  const values = [framed(schema, { s: 'A' }, 2), framed(schema, { s: 'B' }, 1)]
  await producer.sendBatch(
    TOPIC,
    values.map((value) => ({ partition: 0, key: 'c', value, timestampMs: BEGAN_MS })),
  )
  const mapping = { chain: { const: 'c' }, pair: 's', price: { const: 1 }, eventTimeMs: { timestamp: true } }
  const known = schemasOf({ 1: schema })
  const answered = Promise.withResolvers<void>()
  let asked = 0
  const schemas: SchemaSource = {
    ...known,
    // The one is away; the other is asked for, and there is an answer.
    lookup: (key) => {
      if (key === 2) return { status: 'held', reason: 'away', settled: undefined }
      if (asked++ > 0) return known.lookup(key)
      answered.resolve()
      return { status: 'held', reason: 'asked for', settled: answered.promise }
    },
  }
  const raw = { [TOPIC]: { type: 'avro', schema: 'registry', ...mapping } }
  const formats = new Formats(formatRules(raw, []), schemas)
  const table = new PairTable({ maxPairs: 10 })
  const options = { broker, table, windowMs: 10, groupId: 'rewind', nowMs: () => BEGAN_MS, formats }
  const show = await rewind(options, [{ topic: TOPIC, partition: 0, offset: 2n }], new AbortController().signal)
  const pairs: string[] = []
  show({ observeEarlier: (pairId) => void pairs.push(table.namesOf(pairId).pair) })
  expect(pairs).toEqual(['B'])
  await broker.close()
})

test('records of a topic that has a mapping are read by it', async () => {
  const broker = createMemoryBroker({ partitions: { [TOPIC]: 1 } })
  const producer = broker.producer()
  await producer.connect()
  const value = JSON.stringify({ s: 'BTC', p: '1.5', t: BEGAN_MS })
  await producer.sendBatch(TOPIC, [{ partition: 0, key: 'c', value, timestampMs: BEGAN_MS }])
  const mapping = { chain: { const: 'c' }, pair: 's', price: 'p', eventTimeMs: 't' }
  const formats = new Formats(formatRules({ [TOPIC]: mapping }, []))
  const table = new PairTable({ maxPairs: 10 })
  const options = { broker, table, windowMs: 10, groupId: 'rewind', nowMs: () => BEGAN_MS, formats }
  const show = await rewind(options, [{ topic: TOPIC, partition: 0, offset: 1n }], new AbortController().signal)
  const pairs: string[] = []
  show({ observeEarlier: (pairId) => void pairs.push(table.namesOf(pairId).pair) })
  expect(pairs).toEqual(['BTC'])
  await broker.close()
})
