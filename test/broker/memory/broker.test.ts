import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterEach, describe, expect, test } from '@jest/globals'
import { createMemoryBroker, type MemoryBroker, type MemoryBrokerOptions } from '../../../src/broker/memory/broker.ts'
import { BrokerError } from '../../../src/broker/port.ts'
import { virtualClock } from '../../../src/clock.ts'
import { until } from '../../harness/until.ts'
import { conformance } from '../conformance/conformance.ts'
import {
  aborted,
  committedOffsets,
  newGate,
  newReader,
  newTopic,
  numbered,
  records,
  type Stage,
  setStage,
  startReader,
  untilSeen,
} from '../conformance/stage.ts'

conformance('in-memory', async () => ({ broker: createMemoryBroker() }))

const UNREACHABLE = { name: 'BrokerError', code: 'unreachable', retriable: true }

describe('the in-memory broker', () => {
  const brokers: MemoryBroker[] = []

  async function open(options: MemoryBrokerOptions = {}): Promise<Stage & { readonly broker: MemoryBroker }> {
    const broker = createMemoryBroker(options)
    brokers.push(broker)
    return { ...(await setStage(broker)), broker }
  }

  afterEach(async () => {
    for (const broker of brokers.splice(0)) await broker.close()
  })

  test('hands nothing over in the stack of sendBatch, and at most maxBatchRecords at once', async () => {
    const stage = await open({ maxBatchRecords: 100 })
    const topic = await newTopic(stage)
    const counts: number[] = []
    const reader = await startReader(stage, {
      topics: [topic],
      onBatch: async (batch) => {
        counts.push(batch.count)
        return batch.count
      },
    })
    const sent = stage.producer.sendBatch(topic, records(0, numbered('', 250)))
    expect(counts).toEqual([])
    await sent
    await untilSeen(reader, 250)
    expect(counts).toEqual([100, 100, 50])
  })

  test('lets the handlers of two partitions overlap', async () => {
    const stage = await open()
    const topic = await newTopic(stage, 2)
    const gate = newGate()
    const reader = await startReader(stage, {
      topics: [topic],
      onBatch: async (batch) => {
        if (batch.partition === 0) await gate.opened
        return batch.count
      },
    })
    await stage.producer.sendBatch(topic, [...records(0, ['slow']), ...records(1, ['a'])])
    await stage.producer.sendBatch(topic, records(1, ['b']))
    await until('the fast one is through', () => reader.values().includes('b'))
    gate.open()
  })

  test('has its given topics, stamps records with its clock, and has an id of its own', async () => {
    const stage = await open({ partitions: { prices: 3 }, clock: virtualClock(1234) })
    const other = await open()
    expect(await stage.admin.partitions('prices')).toBe(3)
    await stage.producer.sendBatch('prices', records(0, ['a']))
    const reader = await startReader(stage, { topics: ['prices'] })
    await untilSeen(reader, 1)
    expect(reader.seen[0]?.timestampMs).toBe(1234)
    expect(await stage.admin.clusterId()).toMatch(/^memory-\d+$/)
    expect(await other.admin.clusterId()).not.toBe(await stage.admin.clusterId())
  })

  test('drops the oldest records beyond its bound, and tells a consumer that had not read them', async () => {
    const stage = await open({ maxRecordsPerPartition: 100 })
    const topic = await newTopic(stage)
    const reader = await startReader(stage, { topics: [topic] })
    const partitions = [{ topic, partition: 0 }]
    await stage.producer.sendBatch(topic, records(0, numbered('', 10)))
    await untilSeen(reader, 10)
    reader.consumer.pause(partitions)
    await stage.producer.sendBatch(topic, records(0, numbered('', 200, 10)))
    expect(await stage.admin.offsets(topic)).toEqual([{ partition: 0, low: 110n, stableEnd: 210n, high: 210n }])
    reader.consumer.resume(partitions)
    await untilSeen(reader, 110)
    expect(reader.values().slice(10)).toEqual(numbered('', 100, 110))
    const jumps = reader.events.filter(({ type }) => type === 'offset-jump')
    expect(jumps).toEqual([{ type: 'offset-jump', topic, partition: 0, from: 10n, to: 110n }])
  })

  test('moves a start beyond the end back to the end', async () => {
    const stage = await open()
    const topic = await newTopic(stage)
    await stage.producer.sendBatch(topic, records(0, ['old']))
    const offsets = [{ topic, partition: 0, offset: 100n }]
    const reader = await startReader(stage, { topics: [topic], start: { at: 'offsets', offsets } })
    await until('it is told', () => reader.events.some(({ type }) => type === 'offset-jump'))
    await stage.producer.sendBatch(topic, records(0, ['new']))
    await untilSeen(reader, 1)
    expect(reader.values()).toEqual(['new'])
  })

  test('rebalances on demand, drains the batch in hand and delivers nothing twice', async () => {
    const stage = await open()
    const topic = await newTopic(stage)
    const inHand = newGate()
    const reader = await startReader(stage, {
      topics: [topic],
      onBatch: async (batch, { signal }) => {
        inHand.open()
        if (batch.offset(0) === 0n) await aborted(signal)
        return batch.count
      },
    })
    await stage.producer.sendBatch(topic, records(0, ['a', 'b']))
    await inHand.opened
    await stage.broker.rebalance(reader.groupId)
    expect(reader.consumer.health().epoch).toBe(2)
    await stage.producer.sendBatch(topic, records(0, ['c']))
    await untilSeen(reader, 3)
    expect(reader.values()).toEqual(['a', 'b', 'c'])
  })

  test('goes on without a member that does not drain, and discards what it reports later', async () => {
    const stage = await open({ rebalanceTimeoutMs: 20 })
    const topic = await newTopic(stage)
    const [inHand, hang] = [newGate(), newGate()]
    let calls = 0
    const reader = await startReader(stage, {
      topics: [topic],
      onBatch: async (_, { signal }) => {
        calls += 1
        inHand.open()
        if (calls > 1) {
          await aborted(signal)
          return 0
        }
        await hang.opened
        return 2
      },
    })
    await stage.producer.sendBatch(topic, records(0, ['a', 'b']))
    await inHand.opened
    await stage.broker.rebalance(reader.groupId)
    const stuck = { type: 'stuck', groupId: reader.groupId, topic, partition: 0, ms: 20 }
    expect(reader.events.filter(({ type }) => type === 'stuck')).toEqual([stuck])
    await until('both are handed over again', () => calls === 2)
    hang.open()
    await reader.consumer.stop()
    expect(await committedOffsets(stage, reader.groupId, topic)).toEqual([0n])
  })

  test('calls onAssigned again when it throws, and hands nothing over before it returns', async () => {
    const stage = await open()
    const topic = await newTopic(stage)
    await stage.producer.sendBatch(topic, records(0, ['a']))
    let attempts = 0
    const reader = await startReader(stage, {
      topics: [topic],
      onAssigned: () => {
        attempts += 1
        if (attempts < 3) throw new Error('not yet')
      },
    })
    expect(attempts).toBe(3)
    await untilSeen(reader, 1)
    expect(reader.consumer.health().restarts).toBe(2)
  })

  test('fails as many sends as it is told to, and stores none of their records', async () => {
    const { broker, producer, admin, ...stage } = await open()
    const topic = await newTopic({ broker, producer, admin, ...stage })
    const error = new BrokerError('failed', 'told to', { retriable: true })
    broker.fail(2, error)
    await producer.sendBatch(topic, [])
    await expect(producer.sendBatch(topic, records(0, ['a']))).rejects.toBe(error)
    await expect(producer.sendBatch(topic, records(0, ['b']))).rejects.toBe(error)
    await producer.sendBatch(topic, records(0, ['c']))
    expect(await admin.offsets(topic)).toEqual([{ partition: 0, low: 0n, stableEnd: 1n, high: 1n }])
  })

  test('is unreachable while it is disconnected; its consumers wait, then go on where they were', async () => {
    const stage = await open()
    const topic = await newTopic(stage)
    const reader = await startReader(stage, { topics: [topic] })
    const late = newReader(stage, { topics: [topic] })
    stage.broker.disconnect()
    stage.broker.disconnect()
    await expect(stage.producer.sendBatch(topic, records(0, ['a']))).rejects.toMatchObject(UNREACHABLE)
    await expect(stage.admin.topics()).rejects.toMatchObject(UNREACHABLE)
    await expect(late.consumer.start()).rejects.toMatchObject(UNREACHABLE)
    expect(reader.consumer.health().state).toBe('restarting')
    stage.broker.reconnect()
    await stage.producer.sendBatch(topic, records(0, ['b']))
    await late.consumer.start()
    await Promise.all([untilSeen(reader, 1), untilSeen(late, 1)])
    expect(reader.consumer.health().state).toBe('running')
    expect(reader.events.map(({ type }) => type)).toEqual(['rebalance', 'disconnected', 'reconnected'])
  })

  test('takes a deleted topic from its consumers, which go on with the others', async () => {
    const stage = await open()
    const [gone, kept] = [await newTopic(stage), await newTopic(stage)]
    const reader = await startReader(stage, { topics: [gone, kept] })
    await stage.admin.deleteTopics([gone])
    expect(reader.consumer.health().assigned).toEqual([{ topic: kept, partition: 0 }])
    await stage.producer.sendBatch(kept, records(0, ['a']))
    await untilSeen(reader, 1)
  })

  test('refuses a producer and an admin that are not connected', async () => {
    const { broker } = await open({ partitions: { prices: 1 } })
    const closed = { name: 'BrokerError', code: 'closed' }
    await expect(broker.producer().sendBatch('prices', records(0, ['a']))).rejects.toMatchObject(closed)
    await expect(broker.admin().topics()).rejects.toMatchObject(closed)
  })

  test('rejects a start that was overtaken by a stop', async () => {
    const stage = await open()
    const topic = await newTopic(stage)
    const { consumer } = newReader(stage, { topics: [topic] })
    const starting = expect(consumer.start()).rejects.toMatchObject({ name: 'BrokerError', code: 'closed' })
    await consumer.stop()
    await starting
    const next = await startReader(stage, { topics: [topic] })
    expect(next.consumer.health().assigned).toHaveLength(1)
  })

  test('does not keep a process alive that has nothing else to do', async () => {
    const script = `
      import { createMemoryBroker } from './src/broker/memory/broker.ts'
      const broker = createMemoryBroker({ partitions: { prices: 12 } })
      const consumer = broker.consumer({
        mode: 'group', groupId: 'g', topics: ['prices'], start: { at: 'earliest' },
        onBatch: async (batch) => { console.log(String(batch.value(0))); return batch.count },
      })
      await consumer.start()
      const producer = broker.producer()
      await producer.connect()
      await producer.sendBatch('prices', [{ partition: 3, value: 'handled' }])`
    const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', script]
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 30_000 })
    expect(stdout).toBe('handled\n')
  })
})
