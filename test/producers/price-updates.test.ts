import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { PricePublisher, type PricePublisherOptions } from '../../producers/price-updates.ts'
import { decodePriceRecord } from '../../schemas/price-record.ts'
import { MAX_CHAIN_BYTES, partitionOf } from '../../schemas/topics.ts'
import { createMemoryBroker, type MemoryBroker } from '../../src/broker/memory/broker.ts'
import { BrokerError, type Producer } from '../../src/broker/port.ts'
import { virtualClock } from '../../src/clock.ts'
import { ManualTimer } from '../harness/manual-timer.ts'
import { updateOf } from '../schemas/price-rows.ts'
import { type StoredRecord, storedRecords } from './stored-records.ts'

const TOPIC = 'prices'
const PARTITIONS = 12

let broker: MemoryBroker
let producer: Producer
let timer: ManualTimer

beforeEach(async () => {
  broker = createMemoryBroker({ partitions: { [TOPIC]: PARTITIONS } })
  producer = broker.producer()
  timer = new ManualTimer(virtualClock())
  await producer.connect()
})

afterEach(() => broker.close())

function publisherOf(options: Partial<PricePublisherOptions> = {}): PricePublisher {
  return new PricePublisher({ producer, topic: TOPIC, partitions: PARTITIONS, timer: timer.start, ...options })
}

function pairsOf({ value }: StoredRecord): string[] {
  const read = decodePriceRecord(value ?? Buffer.alloc(0))
  return read.ok ? read.updates.map(({ pair }) => pair) : [read.reason]
}

const a = updateOf({ pair: 'a', bid: 1 })
const b = updateOf({ pair: 'b' })
const other = updateOf({ pair: 'c', chain: 'base' })

describe('a price publisher', () => {
  test('writes an update under its chain and pair, in the partition of its chain', async () => {
    const publisher = publisherOf()
    await Promise.all([a, b, other].map((update) => publisher.produce(update)))
    const stored = await storedRecords(broker, TOPIC, 3)
    expect(stored.map(({ key, partition }) => [key, partition]).sort()).toEqual([
      ['base\0c', partitionOf('base', PARTITIONS)],
      ['ethereum\0a', partitionOf('ethereum', PARTITIONS)],
      ['ethereum\0b', partitionOf('ethereum', PARTITIONS)],
    ])
    expect(decodePriceRecord(stored.find(({ key }) => key === 'ethereum\0a')?.value ?? Buffer.alloc(0))).toEqual({
      ok: true,
      updates: [a],
    })
  })

  test('writes Avro if it is asked to', async () => {
    await publisherOf({ encoding: 'avro' }).produce(a)
    const [record] = await storedRecords(broker, TOPIC, 1)
    expect(record?.value?.[0]).toBe(0)
    expect(decodePriceRecord(record?.value ?? Buffer.alloc(0))).toEqual({ ok: true, updates: [a] })
  })

  test('stamps records with the event time if it is asked to', async () => {
    await publisherOf({ timestamps: 'event-time' }).produce(a)
    const admin = broker.admin()
    await admin.connect()
    const stamped = await admin.offsetsAt(TOPIC, a.eventTimeMs)
    const after = await admin.offsetsAt(TOPIC, a.eventTimeMs + 1)
    const partition = partitionOf('ethereum', PARTITIONS)
    expect([stamped[partition]?.offset, after[partition]?.offset]).toEqual([0n, undefined])
  })

  test.each([
    ['e', 'A\0x'],
    ['', 'A'],
    ['e', ''],
    ['e', '\ud800'],
    ['e', 'x'.repeat(257)],
  ])('delists no pair of the names %j and %j, which would be those of another pair or of none', async (chain, pair) => {
    await expect(publisherOf().delist(chain, pair)).rejects.toMatchObject({ code: 'refused' })
  })

  test('delists a pair by a tombstone', async () => {
    await publisherOf().delist('ethereum', 'a')
    const [record] = await storedRecords(broker, TOPIC, 1)
    expect([record?.key, record?.value, record?.partition]).toEqual([
      'ethereum\0a',
      undefined,
      partitionOf('ethereum', PARTITIONS),
    ])
  })

  test('refuses updates after its close', async () => {
    const publisher = publisherOf()
    await publisher.close()
    await publisher.close()
    await expect(publisher.produce(a)).rejects.toMatchObject({ code: 'closed' })
  })
})

describe('a record that is stamped with its event time', () => {
  test('has a time in whole milliseconds', async () => {
    await publisherOf({ timestamps: 'event-time' }).produce({ ...a, eventTimeMs: a.eventTimeMs + 0.5 })
    const [record] = await storedRecords(broker, TOPIC, 1)
    expect(record?.timestampMs).toBe(a.eventTimeMs)
  })

  test.each([Number.NaN, -1, 1e300])(
    'is refused if the time is %d, and other records of its request are not',
    async (eventTimeMs) => {
      const publisher = publisherOf({ timestamps: 'event-time' })
      const refused = expect(publisher.produce({ ...a, eventTimeMs })).rejects.toMatchObject({ code: 'refused' })
      const produced = publisher.produce(b)
      await publisher.flush()
      await Promise.all([refused, produced])
      expect((await storedRecords(broker, TOPIC, 1)).map(pairsOf)).toEqual([['b']])
    },
  )
})

test.each([1, 2])(
  'an update is refused if its time is further ahead of the clock than nodes accept (%d in a record)',
  async (updatesPerRecord) => {
    const publisher = publisherOf({ updatesPerRecord, clock: virtualClock(a.eventTimeMs) })
    const ahead = publisher.produce({ ...b, eventTimeMs: a.eventTimeMs + 60_001 })
    await expect(ahead).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringMatching(/at most 60000 ms ahead/),
    })
  },
)

describe('a frame', () => {
  test('is sent when it is full, and holds the updates of one chain, with the chain as key', async () => {
    const publisher = publisherOf({ updatesPerRecord: 2 })
    void publisher.produce(other)
    await Promise.all([a, b].map((update) => publisher.produce(update)))
    const [record] = await storedRecords(broker, TOPIC, 1)
    expect([record?.key, record && pairsOf(record)]).toEqual(['ethereum', ['a', 'b']])
  })

  test('is sent after two milliseconds if it is not full', async () => {
    const publisher = publisherOf({ updatesPerRecord: 100, batch: { lingerMs: 0 } })
    const produced = [a, other].map((update) => publisher.produce(update))
    expect(timer.pending).toBe(1)
    await timer.advance(2)
    await Promise.all(produced)
    const stored = await storedRecords(broker, TOPIC, 2)
    expect(stored.flatMap(pairsOf).sort()).toEqual(['a', 'c'])
    expect(timer.pending).toBe(0)
  })

  test('is sent by a flush and by a close', async () => {
    const publisher = publisherOf({ updatesPerRecord: 100 })
    const first = publisher.produce(a)
    await publisher.flush()
    await first
    const second = publisher.produce(b)
    await publisher.close()
    await second
    expect((await storedRecords(broker, TOPIC, 2)).map(pairsOf)).toEqual([['a'], ['b']])
    expect(timer.pending).toBe(0)
  })

  test.each([{ price: Number.NaN }, { bid: -1 }, { pair: '' }])(
    'leaves out an update that no node would accept: %j',
    async (flaw) => {
      for (const encoding of ['json', 'avro'] as const) {
        const publisher = publisherOf({ encoding, updatesPerRecord: 3 })
        const refused = expect(publisher.produce({ ...a, ...flaw })).rejects.toMatchObject({ code: 'refused' })
        await Promise.all([refused, publisher.produce(b), publisher.flush()])
      }
      expect((await storedRecords(broker, TOPIC, 2)).map(pairsOf)).toEqual([['b'], ['b']])
    },
  )

  test('arrives before a delisting that came after it', async () => {
    const publisher = publisherOf({ updatesPerRecord: 100 })
    void publisher.produce(a)
    await publisher.delist('ethereum', 'a')
    const stored = await storedRecords(broker, TOPIC, 2)
    expect(stored.map(({ value }) => value === undefined)).toEqual([false, true])
  })
})

describe('an update that cannot be written', () => {
  const unwritable = { ...a, eventTimeMs: 1.5 }

  test('is refused, and the publisher goes on', async () => {
    const publisher = publisherOf({ encoding: 'avro' })
    await expect(publisher.produce(unwritable)).rejects.toMatchObject({ name: 'BrokerError', code: 'refused' })
    await publisher.produce(b)
  })

  test('is refused in a frame, too, and does not throw in the timer', async () => {
    const publisher = publisherOf({ encoding: 'avro', updatesPerRecord: 100 })
    const refused = expect(publisher.produce(unwritable)).rejects.toMatchObject({ code: 'refused' })
    await timer.advance(2)
    await refused
  })

  test('is reported to onDropped, and then its promise may be ignored', async () => {
    for (const updatesPerRecord of [1, 100]) {
      const dropped: [string, number][] = []
      const onDropped = (error: BrokerError, records: number) => dropped.push([error.code, records])
      const publisher = publisherOf({ encoding: 'avro', updatesPerRecord, batch: { onDropped } })
      void publisher.produce(unwritable)
      await publisher.flush()
      broker.fail(1, new BrokerError('too-large', 'no', { retriable: false }))
      void publisher.produce(b)
      await publisher.flush()
      expect(dropped).toEqual([
        ['refused', 1],
        ['too-large', 1],
      ])
    }
  })
})

test.each([
  [{ pair: 'a\0b' }, /pair: must not contain NUL/],
  [{ pair: '\ud800' }, /pair: must not contain half of a surrogate pair/],
  [{ chain: 'c'.repeat(MAX_CHAIN_BYTES + 1) }, /chain: at most/],
  [{ pair: '' }, /pair is missing/],
  [{ chain: undefined as never }, /chain is missing/],
  [{ pair: 5 as never }, /pair: expected a string, got 5/],
])('a publisher refuses names that every node would dead-letter, without frames, too: %j', async (flaw, message) => {
  for (const encoding of ['json', 'avro'] as const) {
    const publisher = publisherOf({ encoding })
    const refused = expect(publisher.produce({ ...a, ...flaw })).rejects.toMatchObject({
      ...{ name: 'BrokerError', code: 'refused' },
      message: expect.stringMatching(message),
    })
    await Promise.all([refused, publisher.produce(b), publisher.flush()])
  }
  expect((await storedRecords(broker, TOPIC, 2)).map(pairsOf)).toEqual([['b'], ['b']])
})
