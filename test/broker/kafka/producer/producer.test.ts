import { describe, expect, jest, test } from '@jest/globals'
import type { ModelCluster } from './model-cluster.ts'
import { onEachStage, type ProducerStage, recordsOf, settled } from './producer-stage.ts'

let stage: ProducerStage
let cluster: ModelCluster

onEachStage((opened) => {
  stage = opened
  cluster = opened.cluster
})

describe('a producer', () => {
  test('refuses more calls than may wait, and takes them again when one is done', async () => {
    cluster.topic('prices', [1])
    const producer = await stage.connected({ maxPendingBatches: 2 })
    const sends = ['0a', '0b'].map((value) => producer.sendBatch('prices', recordsOf(value)))
    await expect(producer.sendBatch('prices', recordsOf('0c'))).rejects.toMatchObject({
      code: 'refused',
      retriable: true,
      message: '2 batches are under way, at most 2 expected',
    })
    await settled(Promise.all(sends))
    await settled(producer.sendBatch('prices', recordsOf('0c')))
  })

  test('flushes when it is closed, and closing it twice is closing it once', async () => {
    const [partition] = cluster.topic('prices', [1])
    const producer = await stage.connected()
    const send = producer.sendBatch('prices', recordsOf('0a'))
    const closing = [producer.close(), producer.close()]
    await settled(Promise.all([send, ...closing]))
    expect([partition?.values, producer.isClosed, cluster.isClosed]).toEqual([['0a'], true, true])
    await expect(producer.sendBatch('prices', recordsOf('0b'))).rejects.toMatchObject({ code: 'closed' })
    await expect(producer.connect()).rejects.toMatchObject({ code: 'closed' })
  })

  test('that is closed while it connects stays closed', async () => {
    cluster.topic('prices', [1])
    const producer = await stage.connected()
    const connecting = producer.connect()
    const refused = expect(connecting).rejects.toMatchObject({ code: 'closed' })
    await settled(producer.close())
    await refused
    await expect(producer.sendBatch('prices', recordsOf('0a'))).rejects.toMatchObject({ code: 'closed' })
  })

  test('rejects what is left after its flush, and says what may be stored', async () => {
    cluster.topic('prices', [1])
    const producer = await stage.connected()
    cluster.fateOf = () => ({ release: new Promise(() => undefined) })
    const sends = ['0a', '0b'].map((value) => producer.sendBatch('prices', recordsOf(value)))
    const outcomes = Promise.allSettled(sends)
    await jest.advanceTimersByTimeAsync(10)
    await settled(producer.close({ flushMs: 200 }))
    expect(await outcomes).toMatchObject([
      { reason: { name: 'BrokerError', code: 'unreachable', message: expect.stringContaining('may be stored') } },
      { reason: { name: 'BrokerError', code: 'closed' } },
    ])
  })

  test('says that Kafka is gone when no broker answers, and that it is back', async () => {
    cluster.topic('prices', [1])
    const producer = await stage.connected()
    for (const node of [0, 1]) cluster.away.add(node)
    await expect(settled(producer.sendBatch('prices', recordsOf('0a')))).rejects.toMatchObject({
      code: 'unreachable',
      retriable: true,
      message: expect.stringContaining('nobody is there'),
    })
    cluster.away.clear()
    await settled(producer.sendBatch('prices', recordsOf('0b')))
    expect(stage.events.map(({ type }) => type)).toEqual(['disconnected', 'reconnected'])
  })

  test('rejects at once what a user without a login sends', async () => {
    cluster.topic('prices', [1])
    const producer = await stage.connected()
    cluster.onMetadata = () => {
      throw Object.assign(new Error('no such user'), { name: 'KafkaJSSASLAuthenticationError' })
    }
    await expect(settled(producer.sendBatch('prices', recordsOf('0a')))).rejects.toMatchObject({
      code: 'not-authorized',
    })
  })
})
