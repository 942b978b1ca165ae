import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { createMemoryBroker, type MemoryBroker } from '../../../src/broker/memory/broker.ts'
import type { Broker, Consumer, ConsumerOptions, TopicPartition } from '../../../src/broker/port.ts'
import { replay } from '../../../src/replay/replay.ts'
import { priceAt, recordOf, T0 } from '../record-builders.ts'
import { collector, market, openStage, type ReplayStage } from '../replay-stage.ts'
import { warmRecord } from '../warm-records.ts'

let stage: ReplayStage
let broker: MemoryBroker

beforeEach(async () => {
  stage = await openStage()
  broker = stage.broker
})
afterEach(() => stage.close())

function plain(partition: number, afterMs: number) {
  const update = priceAt(afterMs)
  return { partition, value: JSON.stringify(update), timestampMs: update.eventTimeMs }
}

/** The broker, with other consumers. */
function overriding(
  broker: Broker,
  consumer: (options: ConsumerOptions, make: (options: ConsumerOptions) => Consumer) => Consumer,
): Broker {
  return { ...broker, consumer: (options) => consumer(options, (given) => broker.consumer(given)) }
}

describe('replay from a topic', () => {
  test('hands out all that was there at the start, in replay order across partitions', async () => {
    const records = market()
    await stage.send(records.toSorted((a, b) => a.partition - b.partition))
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

  test('ends where the topic ended at the start, even while more is written', async () => {
    await stage.send(market())
    let written: Promise<void> | undefined
    const sink = {
      apply: () => {
        written ??= stage.send(market())
        return written
      },
    }
    const report = await replay({ broker, from: { topic: 'prices' }, to: { inProcess: sink } })
    expect(report.replayed).toBe(300)
  })

  test('merges several topics', async () => {
    await stage.send([...market(), warmRecord({})])
    const sink = collector()
    await replay({ broker, from: { topic: ['prices', 'warm-requests'] }, to: { inProcess: sink } })
    expect(sink.records.length).toBe(301)
    expect(sink.records[1]?.topic).toBe('warm-requests')
  })

  test('reads only the wanted range', async () => {
    await stage.send(market())
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

  test('refuses a start behind the end of all partitions, as nothing would be read', async () => {
    await stage.send(market())
    const read = (fromOffset: number) =>
      replay({ broker, from: { topic: 'prices', fromOffset }, to: { inProcess: collector() } })
    expect((await read(99)).replayed).toBe(3)
    const message = 'fromOffset: got 100, but the records end before offset 100'
    await expect(read(100)).rejects.toMatchObject({ code: 'bad-option', message })
  })

  test('finds a record that stands after one with a later timestamp', async () => {
    await stage.send([recordOf(priceAt(5000)), recordOf(priceAt(10)), recordOf(priceAt(6000))])
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

  test('counts records that retention deleted during the replay', async () => {
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

  test('counts every record of a batch that cannot be decoded, even a single one', async () => {
    const readable = market().filter(({ partition }) => partition === 0)
    await stage.send([...readable, ...[1, 1, 1, 2].map((partition) => recordOf(priceAt(partition), { partition }))])
    const undecoding = overriding(broker, (options, make) => {
      const onBatch: typeof options.onBatch = async (batch, context) => {
        if (batch.partition === 0) return options.onBatch(batch, context)
        const { topic, partition, count } = batch
        const range = { from: batch.offset(0), to: batch.offset(count - 1) }
        options.onEvent?.({ type: 'undecodable', topic, partition, ...range, reason: 'no codec' })
        return count
      }
      return make({ ...options, onBatch })
    })
    const report = await replay({ broker: undecoding, from: { topic: 'prices' }, to: { inProcess: collector() } })
    expect(report.replayed).toBe(readable.length)
    expect(report.skipped).toEqual([expect.objectContaining({ reason: 'undecodable-batch', records: 4 })])
  })

  test('ends although its last offset is the marker of a transaction', async () => {
    await stage.send(market())
    const admin = () => {
      const real = broker.admin()
      const offsets = real.offsets.bind(real)
      const oneMore = async (topic: string) =>
        (await offsets(topic)).map((one) => ({ ...one, stableEnd: one.stableEnd + 1n }))
      return Object.assign(real, { offsets: oneMore })
    }
    const passing = overriding(broker, (options, make) => {
      const consumer = make(options)
      const reached = consumer.positions.bind(consumer)
      const positions = () => reached().map((each) => ({ ...each, position: each.position + 1n }))
      return Object.assign(consumer, { positions })
    })
    const marked: Broker = { ...passing, admin: () => admin() }
    expect((await replay({ broker: marked, from: { topic: 'prices' }, to: { inProcess: collector() } })).replayed).toBe(
      300,
    )
  })

  test('that does not exist fails and names the topics that do', async () => {
    await expect(replay({ broker, from: { topic: 'price' }, to: { inProcess: collector() } })).rejects.toMatchObject({
      code: 'no-such-topic',
      message: 'topic price does not exist; did you mean prices? the cluster has prices, warm-requests',
    })
  })

  test('does not count the time of the sink as a stall of the topic', async () => {
    await stage.send(Array.from({ length: 60 }, (_, i) => recordOf(priceAt(i))))
    const realNow = performance.now.bind(performance)
    let sinkTookMs = 0
    const now = jest.spyOn(performance, 'now').mockImplementation(() => realNow() + sinkTookMs)
    const looked = Promise.withResolvers<void>()
    const late = overriding(broker, (options, make) => {
      const onBatch: typeof options.onBatch = async (batch, context) => {
        if (batch.offset(0) > 0n) await looked.promise
        return options.onBatch(batch, context)
      }
      const consumer = make({ ...options, onBatch })
      const reached = consumer.positions.bind(consumer)
      const positions = () => {
        if (sinkTookMs > 0) looked.resolve()
        return reached()
      }
      return Object.assign(consumer, { positions })
    })
    const inProcess = {
      apply: () => {
        sinkTookMs = 3_600_000
      },
    }
    const replayed = replay({ broker: late, from: { topic: 'prices' }, to: { inProcess } })
    await expect(replayed.finally(() => now.mockRestore())).resolves.toMatchObject({ replayed: 60 })
  })

  test.each([
    ['made-again', 'topic-changed', 'topic prices was deleted and made again while it was read'],
    ['gone', 'topic-changed', 'topic prices was deleted while it was read'],
    ['forbidden', 'not-authorized', 'topic prices cannot be read: the right to READ it is missing'],
  ] as const)('ends with an error at once if the topic is %s', async (change, code, message) => {
    await stage.send(market())
    const changing = overriding(broker, (options, make) =>
      make({
        ...options,
        onBatch: async (batch) => {
          options.onEvent?.({ type: 'topic', topic: 'prices', change, partitions: 3 })
          return batch.count
        },
      }),
    )
    const replayed = replay({ broker: changing, from: { topic: 'prices' }, to: { inProcess: collector() } })
    await expect(replayed).rejects.toMatchObject({ code, message, retriable: false })
  })

  test('fails if a record that is known to be there does not come', async () => {
    await stage.send(market())
    const held = { apply: () => broker.disconnect() }
    await expect(
      replay({ broker, from: { topic: 'prices' }, to: { inProcess: held }, stallMs: 1 }),
    ).rejects.toMatchObject({ code: 'stalled', retriable: true })
  })
})
