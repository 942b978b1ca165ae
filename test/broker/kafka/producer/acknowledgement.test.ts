import { describe, expect, jest, test } from '@jest/globals'
import type { ModelCluster } from './model-cluster.ts'
import { batchErrorOf, onEachStage, type ProducerStage, recordsOf, settled } from './producer-stage.ts'

const NOT_ENOUGH_REPLICAS = 19
const NOT_ENOUGH_REPLICAS_AFTER_APPEND = 20

let stage: ProducerStage
let cluster: ModelCluster

onEachStage((opened) => {
  stage = opened
  cluster = opened.cluster
})

describe('an acknowledgement of the producer', () => {
  test('comes from each leader for its own partitions, with the offsets', async () => {
    const [first, second, third] = cluster.topic('prices', [1, 2, 1])
    const producer = await stage.connected()
    await settled(producer.sendBatch('prices', recordsOf('0a', '1b', '0c', '2d')))
    const stored = await settled(producer.sendBatch('prices', recordsOf('0e', '1f', '1g')))
    expect(stored).toEqual([
      { partition: 0, records: 1, offset: 2n },
      { partition: 1, records: 2, offset: 1n },
    ])
    expect([first?.values, second?.values, third?.values]).toEqual([['0a', '0c', '0e'], ['1b', '1f', '1g'], ['2d']])
    expect(cluster.arrived.map(({ node, batches }) => [node, batches.map(({ partition }) => partition)])).toEqual([
      [1, [0, 2]],
      [2, [1]],
      [1, [0]],
      [2, [1]],
    ])
  })

  test.each([7, 8, 9, 11, 12])('is read from an answer of version %d', async (version) => {
    cluster.produceVersion = version
    const [partition] = cluster.topic('prices', [1])
    const producer = await stage.connected()
    expect(await settled(producer.sendBatch('prices', recordsOf('0a')))).toMatchObject([{ offset: 0n }])
    expect([partition?.values, cluster.arrived[0]?.version]).toEqual([['0a'], version])
  })

  test('of a partition whose leader moved comes from the leader of then, which the answer names', async () => {
    const [moving, staying] = cluster.topic('prices', [1, 1])
    const producer = await stage.connected()
    await settled(producer.sendBatch('prices', recordsOf('0a', '1a')))
    cluster.onMetadata = () => {
      throw new Error('metadata is not needed')
    }
    if (moving !== undefined) moving.leader = 2
    await settled(producer.sendBatch('prices', recordsOf('0b', '1b')))
    expect([moving?.values, staying?.values]).toEqual([
      ['0a', '0b'],
      ['1a', '1b'],
    ])
    expect(cluster.arrived.map(({ node }) => node)).toEqual([1, 1, 2])
  })

  test('of a partition whose leader moved to an unnamed broker comes after a look at the metadata', async () => {
    cluster.namesLeaders = false
    const [moving] = cluster.topic('prices', [1])
    const producer = await stage.connected()
    await settled(producer.sendBatch('prices', recordsOf('0a')))
    if (moving !== undefined) moving.leader = 2
    await settled(producer.sendBatch('prices', recordsOf('0b')))
    expect(moving?.values).toEqual(['0a', '0b'])
  })

  test('of a partition whose leader moves with each attempt comes in the end', async () => {
    const [moving] = cluster.topic('prices', [1])
    const producer = await stage.connected()
    let moves = 0
    cluster.fateOf = () => {
      if (moving !== undefined && moves < 6) moving.leader = (++moves % 3) + 1
      return 'answered'
    }
    await settled(producer.sendBatch('prices', recordsOf('0a', '0b')))
    expect([moving?.values, moves]).toEqual([['0a', '0b'], 6])
  })

  test('of one partition does not wait for another, whose leader is away', async () => {
    const [away] = cluster.topic('prices', [1, 2])
    cluster.away.add(1)
    const producer = await stage.connected()
    const late = producer.sendBatch('prices', recordsOf('0a'))
    await settled(producer.sendBatch('prices', recordsOf('1b')))
    expect(away?.values).toEqual([])
    cluster.away.delete(1)
    await settled(late)
    expect(away?.values).toEqual(['0a'])
  })
})

describe('a call to three leaders, one of which changes between two answers,', () => {
  test.each([
    ['names', true],
    ['does not name', false],
  ])('is acknowledged in whole, by an old leader that %s the new one', async (_, namesLeaders) => {
    cluster.namesLeaders = namesLeaders
    const partitions = cluster.topic('prices', [1, 2, 3])
    const producer = await stage.connected()
    const sending = producer.sendBatch('prices', recordsOf('0a', '1b', '1c', '2d'))
    await movesBetweenAnswers(1, 3)
    expect(await settled(sending)).toEqual([
      { partition: 0, records: 1, offset: 0n },
      { partition: 2, records: 1, offset: 0n },
      { partition: 1, records: 2, offset: 0n },
    ])
    expect(partitions.map(({ values }) => values)).toEqual([['0a'], ['1b', '1c'], ['2d']])
    expect(cluster.arrived.map(({ node }) => node)).toEqual([1, 2, 3, 3])
  })

  test('is acknowledged in whole and stored once, if the old leader had stored it and its answer is lost', async () => {
    const partitions = cluster.topic('prices', [1, 2, 3])
    const producer = await stage.connected()
    cluster.fateOf = ({ node }) => (node === 2 ? 'answer lost' : 'answered')
    const sending = producer.sendBatch('prices', recordsOf('0a', '1b', '2c'))
    while (partitions.some(({ log }) => log.length === 0)) await jest.advanceTimersByTimeAsync(0)
    if (partitions[1] !== undefined) partitions[1].leader = 3
    expect(await settled(sending)).toContainEqual({ partition: 1, records: 1, offset: 0n })
    expect(partitions.map(({ values }) => values)).toEqual([['0a'], ['1b'], ['2c']])
    expect(cluster.arrived.map(({ node }) => node)).toEqual([1, 2, 3, 3])
  })

  test('is rejected for the records of that partition alone, if the new leader never answers', async () => {
    const partitions = cluster.topic('prices', [1, 2, 3])
    cluster.away.add(4)
    const producer = await stage.connected()
    const sending = batchErrorOf(producer.sendBatch('prices', recordsOf('0a', '1b', '2c', '1d')))
    await movesBetweenAnswers(1, 4)
    const error = await sending
    expect([...error.failures.keys()]).toEqual([1, 3])
    expect(error.stored.map(({ partition }) => partition)).toEqual([0, 2])
    expect(partitions.map(({ values }) => values)).toEqual([['0a'], [], ['2c']])
  })

  /** Holds the request of the partition's leader until the other leaders have answered and the partition has moved. */
  async function movesBetweenAnswers(partition: number, to: number): Promise<void> {
    const partitions = cluster.topics.get('prices') ?? []
    const moving = partitions[partition]
    const from = moving?.leader
    const moved = Promise.withResolvers<void>()
    cluster.fateOf = ({ node }) => (node === from ? { release: moved.promise } : 'answered')
    while (partitions.some((each) => each !== moving && each.log.length === 0)) await jest.advanceTimersByTimeAsync(0)
    if (moving !== undefined) moving.leader = to
    moved.resolve()
  }
})

describe('a record that the producer sends again', () => {
  test.each([
    ['the answer was lost', () => stage.once('answer lost')],
    ['the request was lost', () => stage.once('lost')],
    [
      'the replicas were too few after it was stored',
      () => void cluster.lateErrors.push(NOT_ENOUGH_REPLICAS_AFTER_APPEND),
    ],
    ['the replicas were too few', () => void cluster.errors.push(NOT_ENOUGH_REPLICAS)],
  ])('is stored once, where it first was, after %s', async (_, happens) => {
    const [partition] = cluster.topic('prices', [1])
    const producer = await stage.connected()
    await settled(producer.sendBatch('prices', recordsOf('0a')))
    happens()
    const sends = [recordsOf('0b', '0c'), recordsOf('0d')].map((records) => producer.sendBatch('prices', records))
    expect(await settled(Promise.all(sends))).toMatchObject([[{ offset: 1n }], [{ offset: 3n }]])
    expect(partition?.values).toEqual(['0a', '0b', '0c', '0d'])
  })

  test('may be stored twice without numbers, for which no id is asked', async () => {
    const [partition] = cluster.topic('prices', [1])
    const producer = await stage.connected({ isIdempotent: false })
    stage.once('answer lost')
    await settled(producer.sendBatch('prices', recordsOf('0a')))
    expect([partition?.values, cluster.ids]).toEqual([['0a', '0a'], 0])
  })

  test('is not known to be stored when its time is over, and the next one is counted in a new epoch', async () => {
    const [partition] = cluster.topic('prices', [1])
    const producer = await stage.connected()
    await settled(producer.sendBatch('prices', recordsOf('0a')))
    const hung = Promise.withResolvers<void>()
    const hangs: Promise<void>[] = [hung.promise]
    cluster.fateOf = () => {
      const release = hangs.shift()
      return release === undefined ? 'answered' : { release }
    }
    const late = settled(producer.sendBatch('prices', recordsOf('0b')))
    await expect(late).rejects.toMatchObject({
      code: 'unreachable',
      retriable: true,
      message: expect.stringMatching(/not acknowledged within 30000 ms: .* \(it may be stored\)/),
    })
    const next = producer.sendBatch('prices', recordsOf('0c'))
    hung.reject(new Error('the connection broke'))
    await settled(next)
    expect([partition?.values, partition?.epochs]).toEqual([
      ['0a', '0c'],
      [0, 1],
    ])
  })

  test('is rejected and not sent again when the time is over that its caller gives it', async () => {
    const [partition] = cluster.topic('prices', [1])
    const producer = await stage.connected()
    cluster.fateOf = () => 'lost'
    const late = settled(producer.sendBatch('prices', recordsOf('0a'), 2_000))
    await expect(late).rejects.toThrow('not acknowledged within 2000 ms')
    cluster.fateOf = () => 'answered'
    await settled(producer.sendBatch('prices', recordsOf('0b')))
    expect(partition?.values).toEqual(['0b'])
  })

  test('goes on in its epoch when the answer comes after its time is over', async () => {
    const [partition] = cluster.topic('prices', [1])
    const producer = await stage.connected()
    const hung = Promise.withResolvers<void>()
    cluster.fateOf = () => ({ release: hung.promise })
    await expect(settled(producer.sendBatch('prices', recordsOf('0a')))).rejects.toThrow('may be stored')
    const next = producer.sendBatch('prices', recordsOf('0b'))
    hung.resolve()
    await settled(next)
    expect([partition?.values, partition?.epochs]).toEqual([
      ['0a', '0b'],
      [0, 0],
    ])
  })

  test('is rejected with the reason of its last attempt', async () => {
    cluster.topic('prices', [1])
    const producer = await stage.connected()
    cluster.errors.push(...Array(1000).fill(NOT_ENOUGH_REPLICAS))
    await expect(settled(producer.sendBatch('prices', recordsOf('0a')))).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('NOT_ENOUGH_REPLICAS'),
    })
  })
})
