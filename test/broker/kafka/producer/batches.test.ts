import { describe, expect, jest, test } from '@jest/globals'
import type { ModelCluster } from './model-cluster.ts'
import { batchErrorOf, onEachStage, type ProducerStage, recordsOf, settled } from './producer-stage.ts'

const TOPIC_NOT_AUTHORIZED = 29
const INVALID_RECORD = 87

let stage: ProducerStage
let cluster: ModelCluster

onEachStage((opened) => {
  stage = opened
  cluster = opened.cluster
})

describe('a batch of the producer', () => {
  test('that is too large is halved, until only records that are too large alone fail', async () => {
    const [partition] = cluster.topic('prices', [1])
    const producer = await stage.connected()
    if (partition !== undefined) partition.maxBatchBytes = 100
    const records = recordsOf('0a', '0b', `0${'x'.repeat(90)}`, '0c', '0d', '0e', '0f')
    const error = await batchErrorOf(producer.sendBatch('prices', records))
    expect([...error.failures].map(([place, { code, retriable }]) => [place, code, retriable])).toEqual([
      [2, 'too-large', false],
    ])
    expect(error.stored.reduce((sum, { records: count }) => sum + count, 0)).toBe(6)
    expect(partition?.values).toEqual(['0a', '0b', '0c', '0d', '0e', '0f'])
    await settled(producer.sendBatch('prices', recordsOf('0g')))
    expect(partition?.values.at(-1)).toBe('0g')
  })

  test.each([
    ['that the answer names', true],
    ['that have to be found', false],
  ])('loses the records that its leader refuses by their times, %s, and no other', async (_, namesRefused) => {
    const [partition] = cluster.topic('prices', [1])
    const producer = await stage.connected()
    Object.assign(partition ?? {}, { latestMs: 1_000, namesRefused })
    const records = [5, 2_000, 6, 7, 3_000, 8].map((timestampMs) => ({
      partition: 0,
      value: `${timestampMs}`,
      timestampMs,
    }))
    const error = await batchErrorOf(producer.sendBatch('prices', records))
    expect([...error.failures.keys()].sort()).toEqual([1, 4])
    expect(error.failures.get(1)).toMatchObject({
      code: 'refused',
      retriable: false,
      message: expect.stringMatching(namesRefused ? /INVALID_TIMESTAMP: late: 2000/ : /INVALID_TIMESTAMP/),
    })
    expect(partition?.values).toEqual(['5', '6', '7', '8'])
  })

  test('whose records are all refused is over', async () => {
    const [partition] = cluster.topic('prices', [1])
    const producer = await stage.connected()
    Object.assign(partition ?? {}, { latestMs: 1_000 })
    const error = await batchErrorOf(producer.sendBatch('prices', [{ partition: 0, value: 'a', timestampMs: 2_000 }]))
    expect([error.failures.size, error.stored]).toEqual([1, []])
    await settled(producer.sendBatch('prices', [{ partition: 0, value: 'b', timestampMs: 5 }]))
    expect(partition?.values).toEqual(['b'])
  })

  test('fails alone: those of other partitions are stored, and the error names its records', async () => {
    const [refused, taken] = cluster.topic('prices', [1, 1])
    const producer = await stage.connected()
    cluster.errors.push(TOPIC_NOT_AUTHORIZED)
    const error = await batchErrorOf(producer.sendBatch('prices', recordsOf('0a', '1b', '0c')))
    expect(error).toMatchObject({ code: 'not-authorized', retriable: false })
    expect([...error.failures.keys()]).toEqual([0, 2])
    expect(error.stored).toEqual([{ partition: 1, records: 1, offset: 0n }])
    expect([refused?.values, taken?.values]).toEqual([[], ['1b']])
  })

  test('is refused with the name of the protocol, and the next one is stored under its numbers', async () => {
    const [partition] = cluster.topic('prices', [1])
    const producer = await stage.connected()
    cluster.errors.push(INVALID_RECORD)
    await expect(settled(producer.sendBatch('prices', recordsOf('0a')))).rejects.toThrow('INVALID_RECORD')
    await settled(producer.sendBatch('prices', recordsOf('0b')))
    expect([partition?.values, partition?.epochs]).toEqual([['0b'], [0]])
  })

  test('loses a record that cannot be written, and no other', async () => {
    const [partition] = cluster.topic('prices', [1])
    const producer = await stage.connected()
    const records = [1, 2, 1.5, 3].map((timestampMs) => ({ partition: 0, value: `${timestampMs}`, timestampMs }))
    const error = await batchErrorOf(producer.sendBatch('prices', records))
    expect([...error.failures.keys()]).toEqual([2])
    expect(error).toMatchObject({ code: 'refused', message: expect.stringContaining('got 1.5') })
    expect(partition?.values).toEqual(['1', '2', '3'])
  })

  test('of a topic that does not exist is refused at once; one that is gone for a while is waited for', async () => {
    const producer = await stage.connected()
    await expect(settled(producer.sendBatch('prices', recordsOf('0a')))).rejects.toMatchObject({
      code: 'unknown-topic',
    })
    const partitions = cluster.topic('prices', [1])
    await settled(producer.sendBatch('prices', recordsOf('0b')))
    cluster.topics.delete('prices')
    const waits = producer.sendBatch('prices', recordsOf('0c'))
    await jest.advanceTimersByTimeAsync(5_000)
    cluster.topics.set('prices', partitions)
    await settled(waits)
    expect(partitions[0]?.values).toEqual(['0b', '0c'])
  })

  test.each([2, -1, 0.5])(
    'of partition %d, which does not exist, is refused, and the others are stored',
    async (partition) => {
      const [first] = cluster.topic('prices', [1, 1])
      const producer = await stage.connected()
      const error = await batchErrorOf(
        producer.sendBatch('prices', [
          { partition, value: 'a' },
          { partition: 0, value: 'b' },
        ]),
      )
      expect(error).toMatchObject({
        code: 'refused',
        retriable: false,
        message: `partition ${partition} of prices, 0 to 1 expected`,
      })
      expect([[...error.failures.keys()], first?.values]).toEqual([[0], ['b']])
    },
  )

  test('of a partition that was added since is stored', async () => {
    const partitions = cluster.topic('prices', [1])
    const producer = await stage.connected()
    await settled(producer.sendBatch('prices', recordsOf('0a')))
    cluster.topic('prices', [1, 2])
    await settled(producer.sendBatch('prices', recordsOf('1b')))
    expect(partitions).toHaveLength(1)
    expect(cluster.topics.get('prices')?.[1]?.values).toEqual(['1b'])
  })
})

describe('the requests of the producer', () => {
  test('carry what comes in one go to one leader, up to 256 KiB, five at a time and a partition in one', async () => {
    const leaders = Array(40).fill(1)
    const partitions = cluster.topic('prices', leaders)
    const producer = await stage.connected()
    await settled(
      producer.sendBatch(
        'prices',
        leaders.map((_, partition) => ({ partition, value: 'first' })),
      ),
    )
    expect(cluster.arrived).toHaveLength(1)
    const value = 'x'.repeat(100 * 1024)
    const sends = ['a', 'b'].flatMap((name) =>
      leaders.map((_, partition) => producer.sendBatch('prices', [{ partition, value: name + value }])),
    )
    await settled(Promise.all(sends))
    expect(cluster.mostInFlight).toBe(5)
    expect(cluster.arrived.slice(1).every(({ batches }) => batches.length === 2)).toBe(true)
    for (const { values } of partitions) expect(values.map((each) => each[0])).toEqual(['f', 'a', 'b'])
  })
})
