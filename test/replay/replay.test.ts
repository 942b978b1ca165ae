import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { PriceUpdate } from '../../schemas/price-update.ts'
import { createMemoryBroker, type MemoryBroker } from '../../src/broker/memory.ts'
import type { Broker, Consumer, ConsumerOptions, TopicPartition } from '../../src/broker/port.ts'
import { virtualClock } from '../../src/clock.ts'
import { record } from '../../src/replay/record.ts'
import { replay } from '../../src/replay/replay.ts'
import type { ReplayRecord } from '../../src/replay/replay-record.ts'
import { priceAt, recordOf, T0 } from './record-builders.ts'
import { virtualTime } from './virtual-time.ts'
import { warmRecord } from './warm-records.ts'

let broker: MemoryBroker
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forewarm-replay-'))
  broker = createMemoryBroker({ partitions: { prices: 3, 'warm-requests': 1 }, maxBatchRecords: 50 })
})
afterEach(async () => {
  await broker.close()
  await rm(folder, { recursive: true })
})

async function send(records: readonly ReplayRecord[]): Promise<void> {
  const producer = broker.producer()
  await producer.connect()
  for (const { topic, partition, key, value = null, headers, timestampMs } of records)
    await producer.sendBatch(topic, [{ partition, value, headers, timestampMs, ...(key === undefined ? {} : { key }) }])
  await producer.close()
}

/** What replay hands to a pipeline in this process. */
function collector() {
  const records: ReplayRecord[] = []
  return { records, apply: (record: ReplayRecord) => void records.push(record) }
}

function plain(partition: number, afterMs: number) {
  const update = priceAt(afterMs)
  return { partition, value: JSON.stringify(update), timestampMs: update.eventTimeMs }
}

/** The broker, with consumers of one's own making. */
function overriding(
  broker: Broker,
  consumer: (options: ConsumerOptions, make: (options: ConsumerOptions) => Consumer) => Consumer,
): Broker {
  return { ...broker, consumer: (options) => consumer(options, (given) => broker.consumer(given)) }
}

async function contentsOf(topic: string): Promise<ReplayRecord[]> {
  const sink = collector()
  await replay({ broker, from: { topic }, to: { inProcess: sink } })
  return sink.records
}

async function priceFile(updates: readonly (PriceUpdate | string)[]): Promise<string> {
  const path = join(folder, 'prices.ndjson')
  const lines = updates.map((update) => (typeof update === 'string' ? update : JSON.stringify(update)))
  await writeFile(path, `${lines.join('\n')}\n`)
  return path
}

/** 300 updates of six pairs, interleaved over three partitions, one pair a partition and chain. */
function market(): ReplayRecord[] {
  return Array.from({ length: 300 }, (_, i) =>
    recordOf(priceAt(i * 10, { chain: `chain-${i % 3}`, pair: `pair-${i % 6}`, price: 1 + (i % 7) }), {
      partition: i % 3,
    }),
  )
}

describe('from a topic', () => {
  test('hands out everything that was there at the start, in replay order, whatever the partitions', async () => {
    const records = market()
    await send(records.toSorted((a, b) => a.partition - b.partition))
    const sink = collector()
    const report = await replay({ broker, from: { topic: 'prices' }, to: { inProcess: sink } })
    expect(sink.records.map(({ timestampMs }) => timestampMs)).toEqual(records.map(({ timestampMs }) => timestampMs))
    expect(report).toMatchObject({
      status: 'done',
      passes: 1,
      read: 300,
      replayed: 300,
      updates: 300,
      skipped: [],
      failed: [],
    })
    expect(report).toMatchObject({ firstTimestampMs: T0, lastTimestampMs: T0 + 2990 })
  })

  test('ends where the topic ended at the start, while more is written', async () => {
    await send(market())
    let written: Promise<void> | undefined
    const sink = {
      apply: () => {
        written ??= send(market())
        return written
      },
    }
    const report = await replay({ broker, from: { topic: 'prices' }, to: { inProcess: sink } })
    expect(report.replayed).toBe(300)
  })

  test('merges several topics', async () => {
    await send([...market(), warmRecord({})])
    const sink = collector()
    await replay({ broker, from: { topic: ['prices', 'warm-requests'] }, to: { inProcess: sink } })
    expect(sink.records.length).toBe(301)
    expect(sink.records[1]?.topic).toBe('warm-requests')
  })

  test('reads only the range that was asked for', async () => {
    await send(market())
    const read = async (range: object) =>
      (await replay({ broker, from: { topic: 'prices', ...range }, to: { inProcess: collector() } })).replayed
    expect(await read({ since: T0 + 1000 })).toBe(200)
    expect(await read({ until: new Date(T0 + 1000).toISOString() })).toBe(100)
    expect(await read({ since: T0 + 1000, until: T0 + 1100 })).toBe(10)
    expect(await read({ since: T0 + 1_000_000 })).toBe(0)
    expect(await read({ fromOffset: 90 })).toBe(30)
    expect(await read({ fromOffset: 10, toOffset: 15n })).toBe(15)
    expect(await read({ partitions: [1] })).toBe(100)
  })

  test('finds a record that stands behind a later one', async () => {
    await send([recordOf(priceAt(5000)), recordOf(priceAt(10)), recordOf(priceAt(6000))])
    const sink = collector()
    await replay({ broker, from: { topic: 'prices', until: T0 + 100 }, to: { inProcess: sink } })
    expect(sink.records.map(({ timestampMs }) => timestampMs - T0)).toEqual([10])
  })

  test('pauses a busy partition while it waits for another, and misses nothing', async () => {
    const producer = broker.producer()
    await producer.connect()
    for (let i = 0; i < 20; i++)
      await producer.sendBatch(
        'prices',
        Array.from({ length: 1000 }, (_, j) => plain(0, i * 1000 + j)),
      )
    await producer.sendBatch('prices', [plain(1, 19_000)])
    const paused = Promise.withResolvers<void>()
    const slow = overriding(broker, (options, make) => {
      const onBatch: typeof options.onBatch = async (batch, context) => {
        if (batch.partition === 1) await paused.promise
        return options.onBatch(batch, context)
      }
      const consumer = make({ ...options, onBatch })
      const pause = consumer.pause.bind(consumer)
      return Object.assign(consumer, {
        pause: (partitions: readonly TopicPartition[]) => {
          paused.resolve()
          pause(partitions)
        },
      })
    })
    const report = await replay({ broker: slow, from: { topic: 'prices' }, to: { inProcess: collector() } })
    expect(report.replayed).toBe(20_001)
  })

  test('counts what retention took while it was reading', async () => {
    const small = createMemoryBroker({ partitions: { prices: 1 }, maxRecordsPerPartition: 100, maxBatchRecords: 10 })
    const producer = small.producer()
    await producer.connect()
    const fill = (count: number) =>
      producer.sendBatch(
        'prices',
        Array.from({ length: count }, (_, i) => plain(0, i)),
      )
    await fill(100)
    const overtaken = overriding(small, (options, make) => {
      const consumer = make(options)
      const start = consumer.start.bind(consumer)
      return Object.assign(consumer, { start: () => fill(60).then(start) })
    })
    const report = await replay({ broker: overtaken, from: { topic: 'prices' }, to: { inProcess: collector() } })
    expect(report.replayed).toBe(40)
    expect(report.skipped).toEqual([{ reason: 'deleted-while-reading', records: 60, first: 'prices/0 offset 0' }])
    await small.close()
  })

  test('ends although its last offset is no record, but the mark of a transaction', async () => {
    await send(market())
    const admin = () => {
      const real = broker.admin()
      const offsets = real.offsets.bind(real)
      const oneMore = async (topic: string) => (await offsets(topic)).map((one) => ({ ...one, high: one.high + 1n }))
      return Object.assign(real, { offsets: oneMore })
    }
    const marked: Broker = { ...broker, admin: () => admin() }
    expect((await replay({ broker: marked, from: { topic: 'prices' }, to: { inProcess: collector() } })).replayed).toBe(
      300,
    )
  })

  test('that does not exist says so and names what there is', async () => {
    await expect(replay({ broker, from: { topic: 'price' }, to: { inProcess: collector() } })).rejects.toMatchObject({
      code: 'no-such-topic',
      message: 'topic price does not exist; the cluster has prices, warm-requests',
    })
  })

  test('gives up when what is known to be there does not come', async () => {
    await send(market())
    const held = { apply: () => broker.disconnect() }
    await expect(
      replay({ broker, from: { topic: 'prices' }, to: { inProcess: held }, stallMs: 1 }),
    ).rejects.toMatchObject({ code: 'stalled', retriable: true })
  })
})

describe('to topics', () => {
  test('makes a topic beside each source topic: same partitions, no retention, records in their partitions', async () => {
    await send(market())
    const report = await replay({ broker, from: { topic: 'prices' }, to: { topicPrefix: 'test.' } })
    expect(report.targets).toEqual([{ topic: 'test.prices', partitions: 3, created: true, records: 300 }])
    const admin = broker.admin()
    await admin.connect()
    expect((await admin.topicConfig('test.prices', ['retention.ms'])).get('retention.ms')).toBe('-1')
    const strip = ({ topic: _, ...rest }: ReplayRecord) => rest
    expect((await contentsOf('test.prices')).map(strip)).toEqual((await contentsOf('prices')).map(strip))
  })

  test('puts a chain where new records of it would go when the partition counts differ', async () => {
    await send(market())
    await replay({ broker, from: { topic: 'prices' }, to: { topic: 'one', partitions: 5 } })
    const byChain = new Map<string, Set<number>>()
    for (const { key, partition } of await contentsOf('one')) {
      const chain = key?.toString().split('\0')[0] ?? ''
      byChain.set(chain, (byChain.get(chain) ?? new Set()).add(partition))
    }
    expect([...byChain.values()].map((partitions) => partitions.size)).toEqual([1, 1, 1])
  })

  test('keeps tombstones, keys and headers', async () => {
    const headers = [['feed', Buffer.from('a')]] as const
    await send([recordOf(priceAt(0), { headers }), { ...recordOf(priceAt(1)), value: undefined }])
    await replay({ broker, from: { topic: 'prices' }, to: { topicPrefix: 'test.' } })
    expect(await contentsOf('test.prices')).toMatchObject([
      { headers, key: Buffer.from('ethereum\0WETH/USDC') },
      { value: undefined, key: Buffer.from('ethereum\0WETH/USDC') },
    ])
  })

  test('marks warm requests as replayed', async () => {
    await send([warmRecord({}, [['traceparent', Buffer.from('00-1-2-01')]])])
    await replay({ broker, from: { topic: 'warm-requests' }, to: { topicPrefix: 'test.' } })
    const [request] = await contentsOf('test.warm-requests')
    expect(JSON.parse(request?.value?.toString() ?? '')).toMatchObject({ origin: 'replay', requestId: 'request-1' })
    expect(request?.headers).toEqual([])
  })

  test('leaves out a record that is too large for the target, and only that one', async () => {
    const large = recordOf(priceAt(1), { value: Buffer.alloc(5000, 'x') })
    await send([recordOf(priceAt(0)), large, recordOf(priceAt(2))])
    const admin = broker.admin()
    await admin.connect()
    await admin.createTopics([{ topic: 'small', partitions: 3, config: { 'max.message.bytes': '2000' } }])
    const report = await replay({ broker, from: { topic: 'prices' }, to: { topic: 'small' } })
    expect(report.failed).toEqual([{ reason: 'too-large', records: 1, first: 'small/0' }])
    expect((await contentsOf('small')).length).toBe(2)
  })

  test('refuses a timestamp that the broker would refuse, in words', async () => {
    const time = virtualTime(T0 - 7_200_000)
    await send([recordOf(priceAt(0))])
    const admin = broker.admin()
    await admin.connect()
    await admin.createTopics([{ topic: 'new', partitions: 1, config: { 'message.timestamp.after.max.ms': '3600000' } }])
    const options = { broker, from: { topic: 'prices' }, to: { topic: 'new' }, time }
    await expect(replay(options)).rejects.toMatchObject({
      code: 'timestamp-ahead',
      message: expect.stringContaining('7200 s ahead of the clock'),
    })
    expect((await replay({ ...options, timestamps: 'now' })).replayed).toBe(1)
  })

  test('rejects when the broker does', async () => {
    await send(market())
    broker.fail(1, new Error('disk full'))
    await expect(replay({ broker, from: { topic: 'prices' }, to: { topicPrefix: 'test.' } })).rejects.toThrow(
      'disk full',
    )
  })
})

describe('guards', () => {
  const intoItself = () => ({ broker, from: { topic: 'prices' }, to: { topic: 'prices' } })

  test.each([{}, { force: true }, { reallyForce: true }])(
    'refuse to write into the topic that is read, given %j',
    async (given) => {
      await send(market())
      await expect(replay({ ...intoItself(), ...given })).rejects.toMatchObject({ code: 'same-topic' })
      await expect(
        replay({ broker, from: { topic: 'prices' }, to: { topicPrefix: '' }, ...given }),
      ).rejects.toMatchObject({ code: 'same-topic' })
    },
  )

  test('give way when told twice', async () => {
    await send([recordOf(priceAt(0))])
    await replay({ ...intoItself(), force: true, reallyForce: true })
    expect((await contentsOf('prices')).length).toBe(2)
  })

  test('refuse a protected cluster, before anything is created', async () => {
    const admin = broker.admin()
    await admin.connect()
    const options = {
      broker,
      from: { topic: 'prices' },
      to: { topicPrefix: 'test.' },
      protectedClusters: [await admin.clusterId()],
    }
    await expect(replay(options)).rejects.toMatchObject({ code: 'protected-cluster' })
    expect(await admin.topics()).not.toContain('test.prices')
  })

  test('refuse to write a recording back into the topic that it came from', async () => {
    await send(market())
    const file = join(folder, 'market.ndjson')
    await record({ broker, topics: ['prices'], file })
    await expect(replay({ broker, from: { file }, to: { topic: 'prices' } })).rejects.toMatchObject({
      code: 'same-topic',
    })
  })

  test('let the same topic name on another cluster be written', async () => {
    await send(market())
    const other = createMemoryBroker()
    const report = await replay({ broker, from: { topic: 'prices' }, to: { topic: 'prices', broker: other } })
    expect(report.targets).toMatchObject([{ topic: 'prices', created: true, records: 300 }])
    await other.close()
  })
})

describe('pace', () => {
  test('keeps the distances of the records, divided by the speed', async () => {
    await send(market())
    const time = virtualTime(1_000_000)
    const at: number[] = []
    const inProcess = { apply: () => void at.push(time.now() - 1_000_000) }
    const report = await replay({ broker, from: { topic: 'prices' }, to: { inProcess }, speed: 2, time })
    expect(at).toEqual(Array.from({ length: 300 }, (_, i) => i * 5))
    expect(report.maxBehindMs).toBe(0)
  })

  test('sends what is due before it waits for what is not', async () => {
    await send([recordOf(priceAt(0)), recordOf(priceAt(60_000))])
    const time = virtualTime(T0)
    let arrived = 0
    const watching = {
      ...time,
      sleep: async (ms: number, signal: AbortSignal) => {
        arrived = (await contentsOf('test.prices')).length
        await time.sleep(ms, signal)
      },
    }
    await replay({ broker, from: { topic: 'prices' }, to: { topicPrefix: 'test.' }, speed: 1, time: watching })
    expect(arrived).toBe(1)
  })

  test('an abort ends it, with what was done until then', async () => {
    await send(market())
    const abort = new AbortController()
    let applied = 0
    const inProcess = {
      apply: () => {
        applied++
        if (applied === 40) abort.abort()
      },
    }
    const report = await replay({ broker, from: { topic: 'prices' }, to: { inProcess }, signal: abort.signal })
    expect(report).toMatchObject({ status: 'interrupted', replayed: 40, read: 40 })
  })
})

describe('from a file of prices', () => {
  test('keeps the order of the lines and counts those that are none', async () => {
    const file = await priceFile([priceAt(5), priceAt(0, { pair: 'B' }), '{"pair":', '', priceAt(9), '{"pair":"A"}'])
    const sink = collector()
    const report = await replay({ from: { file }, to: { inProcess: sink } })
    expect(sink.records.map(({ timestampMs }) => timestampMs - T0)).toEqual([5, 0, 9])
    expect(report.skipped).toEqual([
      { reason: 'not-json', records: 1, first: `${file}, line 3` },
      { reason: 'missing-chain', records: 1, first: `${file}, line 6` },
    ])
  })

  test('goes to topics by chain', async () => {
    const file = await priceFile([
      priceAt(0),
      priceAt(1, { chain: 'polygon' }),
      '{"chain":"polygon","pair":"x","delisted":true}',
    ])
    await replay({ broker, from: { file }, to: { topic: 'prices' } })
    const keys = (await contentsOf('prices')).map(({ key }) => key?.toString())
    expect(keys.toSorted()).toEqual(['ethereum\0WETH/USDC', 'polygon\0WETH/USDC', 'polygon\0x'])
  })
})

describe('filters', () => {
  test('count what they left out by reason', async () => {
    await send(market())
    const filters = { chains: ['chain-0'], pairs: ['pair-3'], max: 20 }
    const report = await replay({
      broker,
      from: { topic: 'prices', since: T0 + 100 },
      to: { inProcess: collector() },
      filters,
    })
    expect(report.replayed).toBe(20)
    expect(report.filtered.chain + report.filtered.pair + report.filtered.time + report.replayed).toBe(report.read)
    expect(report.filtered.pair).toBeGreaterThan(0)
  })
})

describe('loop', () => {
  test('goes over the same records again, each pass later than the one before', async () => {
    await send([recordOf(priceAt(0)), recordOf(priceAt(500))])
    const sink = collector()
    const time = virtualTime(1_900_000_000_000)
    const to = { inProcess: sink }
    const report = await replay({ broker, from: { topic: 'prices' }, to, loop: 3, timestamps: 'shift', time })
    expect(report.passes).toBe(3)
    const times = sink.records.map(({ timestampMs }) => timestampMs)
    expect(times.length).toBe(6)
    expect(times).toEqual(times.toSorted((a, b) => a - b))
    expect(new Set(times).size).toBe(6)
  })

  test('without an end stops at max, or when there is nothing', async () => {
    await send([recordOf(priceAt(0))])
    const options = { broker, to: { inProcess: collector() }, loop: true } as const
    expect((await replay({ ...options, from: { topic: 'prices' }, filters: { max: 7 } })).replayed).toBe(7)
    expect((await replay({ ...options, from: { topic: 'warm-requests' } })).replayed).toBe(0)
  })
})

describe('state hash', () => {
  const hashOf = async (updates: readonly PriceUpdate[]) => {
    const file = await priceFile(updates)
    return (await replay({ from: { file }, to: { inProcess: collector() } })).stateHash
  }
  const updates = market().map(({ value }) => JSON.parse(value?.toString() ?? '') as PriceUpdate)

  test('is the same for two replays of one file, and another when a price is', async () => {
    const hash = await hashOf(updates)
    expect(await hashOf(updates)).toBe(hash)
    expect(await hashOf(updates.with(299, { ...priceAt(2990), price: 99 }))).not.toBe(hash)
  })

  test('does not mind the order across pairs', async () => {
    const byPair = updates.toSorted((a, b) => (a.pair < b.pair ? -1 : a.pair > b.pair ? 1 : 0))
    expect(await hashOf(byPair)).toBe(await hashOf(updates))
  })

  test('survives recording, replay to a topic and reading back', async () => {
    await send(market())
    const file = join(folder, 'market.ndjson.gz')
    const recorded = await record({ broker, topics: ['prices'], file })
    const replayed = await replay({ broker, from: { file }, to: { topicPrefix: 'test.' }, verifyHash: true })
    expect(replayed).toMatchObject({ stateHash: recorded.stateHash, hashMatches: true })
    const back = await replay({
      broker,
      from: { topic: 'test.prices' },
      to: { inProcess: collector() },
      verifyHash: recorded.stateHash,
    })
    expect(back.hashMatches).toBe(true)
  })

  test('that is not the expected one is said, not thrown', async () => {
    const file = await priceFile(updates)
    const report = await replay({ from: { file }, to: { inProcess: collector() }, verifyHash: 'f'.repeat(64) })
    expect(report.hashMatches).toBe(false)
  })
})

describe('in process', () => {
  test('moves the clock to each record before it is applied', async () => {
    const clock = virtualClock()
    const seen: number[] = []
    const inProcess = { apply: () => void seen.push(clock.now() - T0) }
    await replay({ from: { file: await priceFile([priceAt(0), priceAt(7)]) }, to: { inProcess, clock } })
    expect(seen).toEqual([0, 7])
  })

  test('stops at what the pipeline throws and names the record', async () => {
    const inProcess = { apply: () => Promise.reject(new Error('no room')) }
    const file = await priceFile([priceAt(0)])
    await expect(replay({ from: { file }, to: { inProcess } })).rejects.toMatchObject({
      code: 'sink-failed',
      message: 'prices/0 offset 0: no room',
    })
  })
})

describe('to standard output', () => {
  test('writes updates that can be read as a file of prices', async () => {
    await send([recordOf(priceAt(0)), { ...recordOf(priceAt(1)), value: undefined }])
    const stdout = new PassThrough()
    await replay({ broker, from: { topic: 'prices' }, to: { stdout } })
    stdout.end()
    expect(await text(stdout)).toBe(
      `${JSON.stringify({ pair: 'WETH/USDC', chain: 'ethereum', price: 3000, eventTimeMs: T0 })}\n` +
        '{"chain":"ethereum","pair":"WETH/USDC","delisted":true}\n',
    )
  })
})

describe('options', () => {
  test.each([
    [{ speed: 0.01 }, 'speed: got 0.01; allowed: a number from 0.1 to 1000, or max'],
    [{ filters: { sample: 2 } }, 'sample: got 2; allowed: a share from 0 to 1'],
    [{ loop: 0 }, 'loop: got 0; allowed: a whole number from 1'],
    [
      { from: { topic: 'prices', since: 'yesterday' } },
      'since: got yesterday; allowed: a time like 2026-07-10T00:00Z or milliseconds since 1970',
    ],
    [{ verifyHash: true }, 'verifyHash: the source was recorded without a hash; give the one that is expected'],
  ] as const)('%j is refused', async (given, message) => {
    const options = { broker, from: { topic: 'prices' }, to: { inProcess: collector() }, ...given }
    await expect(replay(options)).rejects.toMatchObject({ code: 'bad-option', message })
  })
})
