import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { BatchError } from '../../../src/broker/batch-error.ts'
import { createMemoryBroker, type MemoryBroker } from '../../../src/broker/memory/broker.ts'
import { BrokerError } from '../../../src/broker/port.ts'
import { record } from '../../../src/replay/record.ts'
import { replay } from '../../../src/replay/replay.ts'
import type { ReplayRecord } from '../../../src/replay/replay-record.ts'
import { priceAt, recordOf, T0 } from '../record-builders.ts'
import { market, openStage, type ReplayStage } from '../replay-stage.ts'
import { virtualTime } from '../virtual-time.ts'
import { warmRecord } from '../warm-records.ts'

let stage: ReplayStage
let broker: MemoryBroker

beforeEach(async () => {
  stage = await openStage()
  broker = stage.broker
})
afterEach(() => stage.close())

describe('replay to topics', () => {
  test('creates a topic for each source topic, with as many partitions, no retention, and each record in its partition', async () => {
    await stage.send(market())
    const report = await replay({ broker, from: { topic: 'prices' }, to: { topicPrefix: 'test.' } })
    expect(report.targets).toEqual([{ topic: 'test.prices', partitions: 3, created: true, records: 300, expiring: 0 }])
    const admin = broker.admin()
    await admin.connect()
    expect((await admin.topicConfig('test.prices', ['retention.ms'])).get('retention.ms')).toBe('-1')
    const strip = ({ topic: _, ...rest }: ReplayRecord) => rest
    expect((await stage.contentsOf('test.prices')).map(strip)).toEqual((await stage.contentsOf('prices')).map(strip))
  })

  test('puts a chain into the partition of its new records if the partition counts differ', async () => {
    await stage.send(market())
    await replay({ broker, from: { topic: 'prices' }, to: { topic: 'one', partitions: 5 } })
    const byChain = new Map<string, Set<number>>()
    for (const { key, partition } of await stage.contentsOf('one')) {
      const chain = key?.toString().split('\0')[0] ?? ''
      byChain.set(chain, (byChain.get(chain) ?? new Set()).add(partition))
    }
    expect([...byChain.values()].map((partitions) => partitions.size)).toEqual([1, 1, 1])
  })

  test('keeps tombstones, keys and headers', async () => {
    const headers = [['feed', Buffer.from('a')]] as const
    await stage.send([recordOf(priceAt(0), { headers }), { ...recordOf(priceAt(1)), value: undefined }])
    await replay({ broker, from: { topic: 'prices' }, to: { topicPrefix: 'test.' } })
    expect(await stage.contentsOf('test.prices')).toMatchObject([
      { headers, key: Buffer.from('ethereum\0WETH/USDC') },
      { value: undefined, key: Buffer.from('ethereum\0WETH/USDC') },
    ])
  })

  test('marks warm requests as replayed', async () => {
    await stage.send([warmRecord({}, [['traceparent', Buffer.from('00-1-2-01')]])])
    await replay({ broker, from: { topic: 'warm-requests' }, to: { topicPrefix: 'test.' } })
    const [request] = await stage.contentsOf('test.warm-requests')
    expect(JSON.parse(request?.value?.toString() ?? '')).toMatchObject({ origin: 'replay', requestId: 'request-1' })
    expect(request?.headers).toEqual([])
  })

  test('counts records that the target will not keep', async () => {
    await stage.send([recordOf(priceAt(0)), recordOf(priceAt(5000))])
    const admin = broker.admin()
    await admin.connect()
    await admin.createTopics([{ topic: 'short', partitions: 1, config: { 'retention.ms': '60000' } }])
    const time = virtualTime(T0 + 62_000)
    const report = await replay({ broker, from: { topic: 'prices' }, to: { topic: 'short' }, time })
    expect(report.targets).toMatchObject([{ records: 2, expiring: 1 }])
  })

  test('leaves out a record that is too large for the target, and only that one', async () => {
    const large = recordOf(priceAt(1), { value: Buffer.alloc(5000, 'x') })
    await stage.send([recordOf(priceAt(0)), large, recordOf(priceAt(2))])
    const admin = broker.admin()
    await admin.connect()
    await admin.createTopics([{ topic: 'small', partitions: 3, config: { 'max.message.bytes': '2000' } }])
    const report = await replay({ broker, from: { topic: 'prices' }, to: { topic: 'small' } })
    expect(report.failed).toEqual([{ reason: 'too-large', records: 1, first: 'small/0' }])
    expect((await stage.contentsOf('small')).length).toBe(2)
  })

  test('refuses a timestamp that the broker would refuse, and says what to do', async () => {
    const time = virtualTime(T0 - 7_200_000)
    await stage.send([recordOf(priceAt(0))])
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

  test('leaves out a record in the middle whose time the target would refuse, and names its place', async () => {
    const day = 86_400_000
    const times = [0, day, 1]
    await stage.send(times.map((ms) => recordOf(priceAt(ms))))
    const admin = broker.admin()
    await admin.connect()
    await admin.createTopics([{ topic: 'new', partitions: 3, config: { 'message.timestamp.after.max.ms': '3600000' } }])
    const report = await replay({ broker, from: { topic: 'prices' }, to: { topic: 'new' }, time: virtualTime(T0) })
    const first = expect.stringMatching(/^prices\/0 offset 1: a record of .* is 86400 s ahead of the clock/)
    expect(report.failed).toEqual([{ reason: 'timestamp-ahead', records: 1, first }])
    expect((await stage.contentsOf('new')).length).toBe(2)
  })

  test('leaves out a record that the broker refuses, and names its place', async () => {
    await stage.send([0, 1, 2].map((ms) => recordOf(priceAt(ms))))
    const refusal = new BrokerError('refused', 'INVALID_TIMESTAMP', { retriable: false })
    broker.fail(1, new BatchError(new Map([[1, refusal]]), []))
    const report = await replay({ broker, from: { topic: 'prices' }, to: { topicPrefix: 'test.' } })
    expect(report.failed).toEqual([{ reason: 'refused', records: 1, first: 'prices/0 offset 1: INVALID_TIMESTAMP' }])
    expect(report.targets).toMatchObject([{ records: 2 }])
  })

  test('rejects if the broker does', async () => {
    await stage.send(market())
    broker.fail(1, new Error('disk full'))
    await expect(replay({ broker, from: { topic: 'prices' }, to: { topicPrefix: 'test.' } })).rejects.toThrow(
      'disk full',
    )
  })
})

describe('the guards of a replay', () => {
  const intoItself = () => ({ broker, from: { topic: 'prices' }, to: { topic: 'prices' } })

  test.each([{}, { force: true }, { reallyForce: true }])(
    'refuse to write into the topic that is read, given %j',
    async (given) => {
      await stage.send(market())
      await expect(replay({ ...intoItself(), ...given })).rejects.toMatchObject({ code: 'same-topic' })
      await expect(
        replay({ broker, from: { topic: 'prices' }, to: { topicPrefix: '' }, ...given }),
      ).rejects.toMatchObject({ code: 'same-topic' })
    },
  )

  test('give way if forced twice', async () => {
    await stage.send([recordOf(priceAt(0))])
    await replay({ ...intoItself(), force: true, reallyForce: true })
    expect((await stage.contentsOf('prices')).length).toBe(2)
  })

  test('refuse a protected cluster before anything is created', async () => {
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
    await stage.send(market())
    const file = join(stage.folder, 'market.ndjson')
    await record({ broker, topics: ['prices'], file })
    await expect(replay({ broker, from: { file }, to: { topic: 'prices' } })).rejects.toMatchObject({
      code: 'same-topic',
    })
  })

  test('allow the same topic name on another cluster', async () => {
    await stage.send(market())
    const other = createMemoryBroker()
    const report = await replay({ broker, from: { topic: 'prices' }, to: { topic: 'prices', broker: other } })
    expect(report.targets).toMatchObject([{ topic: 'prices', created: true, records: 300 }])
    await other.close()
  })
})
