import { expect, test } from '@jest/globals'
import type { PriceUpdate } from '../../schemas/price-update.ts'
import { detector } from '../../src/detect/detector.ts'
import { uniqueName } from '../harness/kafka.ts'
import { until } from '../harness/until.ts'
import { newChain, onKafka } from '../node/kafka-stage.ts'
import { get } from '../node/scrape.ts'
import { updateOf } from '../node/stage.ts'

const SMALL_L1 = { cache: { l1Slots: 4 }, node: { lookAhead: 'off' } } as const
const PAIRS = Array.from({ length: 10 }, (_, i) => `P${i}`)

test('prices travel from Kafka through the detectors into Redis, where another service finds them', async () => {
  await onKafka({}, async (stage) => {
    const chain = newChain(stage)
    const handled: PriceUpdate[] = []
    const node = await stage.startNode({ detectors: [detector('all', {}, (update) => void handled.push(update))] })
    const updates = PAIRS.map((pair, i) => updateOf(pair, { chain, price: i, bid: i / 2, group: 'g' }))
    await stage.produce(...updates)
    await until('all are handled', () => handled.length === PAIRS.length)
    expect(handled).toEqual(updates)
    await until('all are in Redis', () => node.stats().l2.waitingEntries === 0)
    expect(await get(node, '/readyz')).toMatchObject({ status: 200 })

    const answers: unknown[] = []
    const reader = detector('reader', {}, async (_, prices) => {
      answers.push(await prices.getOrLoad(chain, 'P3'), await prices.getMany(chain, ['P5', 'absent', 'P7']))
    })
    await stage.startNode({ detectors: [reader], config: { node: { service: uniqueName('other') } } })
    await stage.produce(updateOf('READ', { chain }))
    await until('the other service has read', () => answers.length === 2)
    expect(answers).toMatchObject([
      { price: 3, bid: 1.5, eventTimeMs: updates[3]?.eventTimeMs },
      [{ price: 5 }, 'missing', { price: 7 }],
    ])
  })
})

test('a warm request brings pairs from Redis into L1, and the asker is answered', async () => {
  await onKafka({ partitions: 3 }, async (stage) => {
    const chain = newChain(stage, 2)
    const readings: unknown[] = []
    const reader = detector('reader', {}, ({ pair }, prices) => {
      if (pair === 'READ') readings.push(prices.get(chain, 'P8'))
    })
    const node = await stage.startNode({ detectors: [reader], config: SMALL_L1 })
    await stage.produce(...PAIRS.map((pair, i) => updateOf(pair, { chain, price: i })))
    await until('they are in Redis', () => node.stats().updates === 10 && node.stats().l2.waitingEntries === 0)
    const publisher = await stage.warmPublisher()
    const receipt = await publisher.request({ chain, pairs: ['P8', 'absent'], priority: 'critical', wait: true })
    expect(receipt).toMatchObject({
      status: 'answered',
      result: { node: node.id, warmed: 1, notFound: 1, outcomes: { P8: 'warmed', absent: 'notFound' } },
    })
    await stage.produce(updateOf('READ', { chain }))
    await until('P8 is read', () => readings.length === 1)
    expect(readings).toMatchObject([{ pair: 'P8', price: 8 }])
    expect(node.stats().warms).toMatchObject({ admitted: 1, used: 1 })
  })
})

test('a node that holds no chain of a pair that it reads is warmed for it, too, and reads it from Redis', async () => {
  await onKafka({ partitions: 2 }, async (stage) => {
    const [here, there] = [newChain(stage, 0), newChain(stage, 1)]
    const answers: unknown[] = []
    const reader = () =>
      detector('reader', { chains: [here] }, async (_, prices) => {
        answers.push(await prices.getOrLoad(there, 'P1'))
      })
    const config = { ...SMALL_L1, cache: { l1Slots: 2 } }
    const nodes = [
      await stage.node({ detectors: [reader()], config }),
      await stage.node({ detectors: [reader()], config }),
    ]
    await Promise.all(nodes.map((node) => node.start()))
    await until('they share the partitions', async () => {
      const ready = await Promise.all(nodes.map((node) => get(node, '/readyz')))
      return ready.every(({ status }) => status === 200)
    })
    await stage.produce(...PAIRS.map((pair, i) => updateOf(pair, { chain: there, price: i })))
    const updates = () => nodes.reduce((sum, node) => sum + node.stats().updates, 0)
    await until(
      'they are in Redis',
      () => updates() === 10 && nodes.every((node) => node.stats().l2.waitingEntries === 0),
    )
    await stage.produce(updateOf('READ', { chain: here }))
    await until('P1 is read', () => answers.length === 1)
    expect(answers).toMatchObject([{ pair: 'P1', price: 1 }])
    const publisher = await stage.warmPublisher()
    const receipt = await publisher.request({ chain: there, pairs: ['P1'], wait: true, waitFor: 2 })
    expect(receipt.status).toBe('answered')
  })
})

test('a pair that is delisted is gone from Redis', async () => {
  await onKafka({}, async (stage) => {
    const chain = newChain(stage)
    const answers: unknown[] = []
    const reader = detector('reader', {}, async ({ pair }, prices) => {
      if (pair === 'READ') answers.push(await prices.getOrLoad(chain, 'A'))
    })
    const node = await stage.startNode({ detectors: [reader] })
    await stage.produce(updateOf('A', { chain }))
    await until('A is in Redis', () => node.stats().updates === 1 && node.stats().l2.waitingEntries === 0)
    await stage.produceRecords({ partition: 0, key: `${chain}\0A`, value: null })
    await stage.produce(updateOf('READ', { chain }))
    await until('A was read', () => answers.length === 1)
    const other = await stage.startNode({ detectors: [reader], config: { node: { service: uniqueName('other') } } })
    await stage.produce(updateOf('READ', { chain }))
    await until('both have read', () => answers.length === 3 && other.stats().updates === 1)
    expect(answers).toEqual(['missing', 'missing', 'missing'])
  })
})
