import { describe, expect, test } from '@jest/globals'
import type { ModelCluster } from './model-cluster.ts'
import { onEachStage, type ProducerStage, recordsOf, settled } from './producer-stage.ts'

const CLUSTER_NOT_AUTHORIZED = 31

let stage: ProducerStage
let cluster: ModelCluster

onEachStage((opened) => {
  stage = opened
  cluster = opened.cluster
})

describe('the numbers of a producer', () => {
  test('begin again in a new epoch where the leader has lost what it had acknowledged', async () => {
    const [partition] = cluster.topic('prices', [1])
    const producer = await stage.connected()
    for (const value of ['0a', '0b', '0c']) await settled(producer.sendBatch('prices', recordsOf(value)))
    partition?.truncate(1)
    const sends = ['0d', '0e'].map((value) => producer.sendBatch('prices', recordsOf(value)))
    await settled(Promise.all(sends))
    expect(partition?.values).toEqual(['0a', '0d', '0e'])
    expect(partition?.epochs.slice(3)).toEqual([1, 1])
  })

  test('go on where the leader knows nothing of the producer any more', async () => {
    const [partition] = cluster.topic('prices', [1])
    const producer = await stage.connected()
    await settled(producer.sendBatch('prices', recordsOf('0a')))
    partition?.forgetProducers()
    await settled(producer.sendBatch('prices', recordsOf('0b')))
    expect(partition?.values).toEqual(['0a', '0b'])
  })

  test('are those of a new id where somebody else has a later epoch', async () => {
    const [partition] = cluster.topic('prices', [1])
    const producer = await stage.connected()
    await settled(producer.sendBatch('prices', recordsOf('0a')))
    partition?.fence(1001n, 7)
    await settled(producer.sendBatch('prices', recordsOf('0b')))
    expect([partition?.values, cluster.ids]).toEqual([['0a', '0b'], 2])
  })

  test('of part of a batch that may be stored are not changed: it is rejected', async () => {
    const [partition] = cluster.topic('prices', [1])
    const producer = await stage.connected()
    await settled(producer.sendBatch('prices', recordsOf('0a')))
    cluster.fateOf = () => {
      cluster.fateOf = () => {
        if (partition !== undefined) partition.maxBatchBytes = 75
        return 'answered'
      }
      return 'answer lost'
    }
    await expect(settled(producer.sendBatch('prices', recordsOf('0b', '0c')))).rejects.toThrow('OUT_OF_ORDER')
    expect(partition?.values).toEqual(['0a', '0b', '0c'])
    await settled(producer.sendBatch('prices', recordsOf('0d')))
    expect(partition?.values).toEqual(['0a', '0b', '0c', '0d'])
  })

  test('wait for an id while the cluster loads', async () => {
    const [partition] = cluster.topic('prices', [1])
    cluster.idErrors.push(14, 15, 14)
    const producer = await stage.connected()
    await settled(producer.sendBatch('prices', recordsOf('0a')))
    expect([partition?.values, stage.events]).toEqual([['0a'], []])
  })

  test('are left out where the user may not have an id, and one event says so', async () => {
    const [partition] = cluster.topic('prices', [1])
    cluster.idErrors.push(CLUSTER_NOT_AUTHORIZED)
    const producer = await stage.connected()
    for (const value of ['0a', '0b']) await settled(producer.sendBatch('prices', recordsOf(value)))
    expect(partition?.values).toEqual(['0a', '0b'])
    expect(stage.events).toEqual([
      { type: 'not-idempotent', reason: expect.stringContaining('Cluster authorization failed') },
    ])
  })

  test('are left out where the leader refuses them, and one event says so', async () => {
    const partitions = cluster.topic('prices', [1, 1])
    const producer = await stage.connected()
    cluster.errors.push(CLUSTER_NOT_AUTHORIZED, CLUSTER_NOT_AUTHORIZED)
    await settled(producer.sendBatch('prices', recordsOf('0a', '1b')))
    expect(partitions.map(({ values }) => values)).toEqual([['0a'], ['1b']])
    expect(stage.events.map(({ type }) => type)).toEqual(['not-idempotent'])
  })
})
