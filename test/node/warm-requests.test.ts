import { expect, test } from '@jest/globals'
import type { ForewarmNode } from '../../node/node.ts'
import { parseWarmResult } from '../../schemas/warm-result.ts'
import { createMemoryBroker } from '../../src/broker/memory/broker.ts'
import { detector } from '../../src/detect/detector.ts'
import type { Seen } from '../broker/conformance/stage.ts'
import { uniqueName } from '../harness/kafka.ts'
import { until } from '../harness/until.ts'
import { metricValue } from './scrape.ts'
import { onStage, type Stage, updateOf } from './stage.ts'

/** Chains of partitions 0 and 1, of two. */
const CHAINS = ['ethereum', 'base'] as const

const inMemory = (partitions = 1) => ({ broker: createMemoryBroker(), partitions })

/** L1 holds four of the pairs; the others have to be warmed. */
const SMALL_L1 = { cache: { l1Slots: 4 }, node: { lookAhead: 'off' } } as const

const pairsOf = (count: number) => Array.from({ length: count }, (_, i) => `P${i}`)

/** Ten pairs of a chain, all in L2 but most of them not in L1. */
async function fill(stage: Stage, nodes: readonly ForewarmNode[], chain = 'ethereum'): Promise<void> {
  const before = updatesOf(nodes)
  await stage.produce(...pairsOf(10).map((pair, i) => updateOf(pair, { chain, price: i })))
  const written = () => nodes.every((node) => node.stats().l2.waitingEntries === 0)
  await until('they are in L2', () => updatesOf(nodes) === before + 10 && written())
}

function updatesOf(nodes: readonly ForewarmNode[]): number {
  return nodes.reduce((sum, node) => sum + node.stats().updates, 0)
}

function resultsIn(seen: readonly Seen[]) {
  return seen.map(({ value }) => {
    const parsed = parseWarmResult(value ?? Buffer.alloc(0))
    if (!parsed.ok) throw new Error(parsed.detail)
    return parsed.value
  })
}

test('a warm request loads its pairs into L1, and the node answers what became of them', async () => {
  await onStage(inMemory(), async (stage) => {
    const readings: unknown[] = []
    const reader = detector('reader', {}, ({ pair }, prices) => {
      if (pair === 'READ') readings.push(prices.get('ethereum', 'P8'))
    })
    const node = await stage.startNode({ detectors: [reader], config: SMALL_L1 })
    await fill(stage, [node])
    const publisher = await stage.warmPublisher()
    const receipt = await publisher.request({ chain: 'ethereum', pairs: ['P8', 'absent'], wait: true })
    expect(receipt).toMatchObject({
      status: 'answered',
      result: {
        node: node.id,
        status: 'partial',
        warmed: 1,
        notFound: 1,
        outcomes: { P8: 'warmed', absent: 'notFound' },
      },
    })
    await stage.produce(updateOf('READ'))
    await until('P8 is read', () => readings.length > 0)
    expect(readings).toMatchObject([{ pair: 'P8', price: 8 }])
    expect(node.stats().warms).toMatchObject({ admitted: 1, used: 1 })
  })
})

test('a warm request for a pair that is in L1 already is answered so', async () => {
  await onStage(inMemory(), async (stage) => {
    const node = await stage.startNode()
    await stage.produce(updateOf('A'))
    await until('A is in L1', () => node.stats().updates === 1)
    const publisher = await stage.warmPublisher()
    const receipt = await publisher.request({ chain: 'ethereum', pairs: ['A'], wait: true })
    expect(receipt).toMatchObject({ result: { status: 'done', warmed: 0, alreadyInL1: 1 } })
  })
})

test('a dry run of a warm request says what would be warmed, and leaves L1 as it is', async () => {
  await onStage(inMemory(), async (stage) => {
    const node = await stage.startNode({ config: SMALL_L1 })
    await fill(stage, [node])
    const publisher = await stage.warmPublisher()
    const receipt = await publisher.request({ chain: 'ethereum', pairs: ['P8', 'P9'], dryRun: true, wait: true })
    expect(receipt).toMatchObject({ status: 'answered', result: { status: 'shadow', warmed: 2 } })
    expect(node.stats().warms).toMatchObject({ admitted: 0, resident: 0 })
  })
})

test('a warm request is held until its time', async () => {
  await onStage(inMemory(), async (stage) => {
    const node = await stage.startNode({ config: SMALL_L1 })
    await fill(stage, [node])
    const publisher = await stage.warmPublisher()
    const notBeforeMs = Date.now() + 300
    const receipt = await publisher.request({ chain: 'ethereum', pairs: ['P8'], notBeforeMs, wait: true })
    if (receipt.status !== 'answered') throw new Error(receipt.status)
    expect(receipt.result).toMatchObject({ status: 'done', warmed: 1 })
    expect(receipt.result.atMs).toBeGreaterThanOrEqual(notBeforeMs)
  })
})

test('an expired warm request is refused and counted', async () => {
  await onStage(inMemory(), async (stage) => {
    const node = await stage.startNode({ config: SMALL_L1 })
    await fill(stage, [node])
    const results = await stage.watch(stage.topics.warmResults)
    const publisher = await stage.warmPublisher()
    await publisher.request({ chain: 'ethereum', pairs: ['P8'], expiresAtMs: Date.now() - 1 })
    await until('it is answered', () => results.length > 0)
    expect(resultsIn(results)).toMatchObject([{ status: 'refused', warmed: 0 }])
    expect(await metricValue(node, 'arbitrage_warm_requests_refused_total', { reason: 'expired' })).toBe(1)
    expect(node.stats().warms.admitted).toBe(0)
  })
})

test('an unreadable warm request is counted with its reason, and the next one is served', async () => {
  await onStage(inMemory(), async (stage) => {
    const node = await stage.startNode({ config: SMALL_L1 })
    await fill(stage, [node])
    const bad = ['not json', '{"v":2}', '', JSON.stringify({ v: 1, requestId: 'x', chain: 'ethereum', pairs: 7 })]
    const records = [...bad.map((value) => ({ partition: 0, value })), { partition: 0, value: null }]
    await stage.producer.sendBatch(stage.topics.warmRequests, records)
    const publisher = await stage.warmPublisher()
    const receipt = await publisher.request({ chain: 'ethereum', pairs: ['P8'], wait: true })
    expect(receipt).toMatchObject({ result: { status: 'done' } })
    expect(await metricValue(node, 'arbitrage_warm_requests_refused_total')).toBe(records.length)
  })
})

test('a warm request that is delivered twice is served once', async () => {
  await onStage(inMemory(), async (stage) => {
    const node = await stage.startNode({ config: SMALL_L1 })
    await fill(stage, [node])
    const requests = await stage.watch(stage.topics.warmRequests)
    const results = await stage.watch(stage.topics.warmResults)
    const publisher = await stage.warmPublisher()
    await publisher.request({ chain: 'ethereum', pairs: ['P8'], wait: true })
    const again = await until('the request is seen', () => requests[0])
    await stage.producer.sendBatch(stage.topics.warmRequests, [{ partition: 0, value: again?.value ?? null }])
    const { requestId } = await publisher.request({ chain: 'ethereum', pairs: ['P9'], wait: true })
    await until('its answer is seen', () => resultsIn(results).some((result) => result.requestId === requestId))
    expect(await metricValue(node, 'arbitrage_warm_requests_refused_total', { reason: 'duplicate' })).toBe(1)
    expect(results).toHaveLength(2)
  })
})

test('a warm request is answered by the node that holds its chain, and not by another of the service', async () => {
  await onStage(inMemory(2), async (stage) => {
    expect(CHAINS.map((chain) => stage.partitionOf(chain))).toEqual([0, 1])
    const nodes = [await stage.startNode({ config: SMALL_L1 }), await stage.startNode({ config: SMALL_L1 })]
    for (const chain of CHAINS) await fill(stage, nodes, chain)
    const results = await stage.watch(stage.topics.warmResults)
    const publisher = await stage.warmPublisher()
    const answering: string[] = []
    for (const chain of CHAINS) {
      const receipt = await publisher.request({ chain, pairs: ['P8'], wait: true })
      if (receipt.status === 'answered') answering.push(receipt.result.node)
      expect(receipt).toMatchObject({ result: { status: 'done', warmed: 1 } })
    }
    expect(new Set(answering)).toEqual(new Set(nodes.map(({ id }) => id)))
    const silent = () =>
      Promise.all(
        nodes.map((node) => metricValue(node, 'arbitrage_warm_requests_refused_total', { reason: 'not-interested' })),
      )
    await until('each has passed one over', async () => String(await silent()) === '1,1')
    await until('both answers are seen', () => results.length >= 2)
    expect(results).toHaveLength(2)
  })
})

test('a warm request for a chain that moved to another node is answered by that node alone', async () => {
  await onStage(inMemory(2), async (stage) => {
    const first = await stage.startNode({ config: SMALL_L1 })
    for (const chain of CHAINS) await fill(stage, [first], chain)
    const second = await stage.startNode({ config: SMALL_L1 })
    for (const chain of CHAINS) await fill(stage, [first, second], chain)
    const results = await stage.watch(stage.topics.warmResults)
    const publisher = await stage.warmPublisher()
    for (const chain of CHAINS) await publisher.request({ chain, pairs: ['P8'], wait: true })
    await publisher.request({ chain: 'ethereum', pairs: ['P7'], wait: true })
    await publisher.request({ chain: 'base', pairs: ['P7'], wait: true })
    await until('all answers are seen', () => results.length >= 4)
    expect(resultsIn(results)).toHaveLength(4)
  })
})

test('a node serves warm requests for a pair that it reads, though it does not hold the chain', async () => {
  await onStage(inMemory(2), async (stage) => {
    const reader = () =>
      detector('reader', {}, ({ pair }, prices) => {
        if (pair === 'READ') prices.get('ethereum', 'P8')
      })
    const nodes = [await stage.startNode({ detectors: [reader()] }), await stage.startNode({ detectors: [reader()] })]
    await stage.produce(updateOf('READ', { chain: 'base' }), updateOf('P8'))
    await until('P8 was read', () => nodes.some((node) => node.stats().reads.misses > 0))
    const publisher = await stage.warmPublisher()
    const receipt = await publisher.request({ chain: 'ethereum', pairs: ['P8', 'P9'], wait: true, waitFor: 2 })
    if (receipt.status !== 'answered') throw new Error(receipt.status)
    expect(receipt.results.map(({ notInterested }) => notInterested).toSorted()).toEqual([0, 1])
  })
})

test('a warm request is carried out by the nodes of its service alone, and counted by those of others', async () => {
  await onStage(inMemory(), async (stage) => {
    const service = uniqueName('other')
    const own = await stage.startNode({ config: SMALL_L1 })
    const other = await stage.startNode({ config: { ...SMALL_L1, node: { ...SMALL_L1.node, service } } })
    const nodes = [own, other]
    await stage.produce(...pairsOf(10).map((pair) => updateOf(pair)))
    await until('both have them', () =>
      nodes.every((node) => node.stats().updates === 10 && node.stats().l2.waitingEntries === 0),
    )
    const publisher = await stage.warmPublisher()
    const results = await stage.watch(stage.topics.warmResults)
    const receipt = await publisher.request({ chain: 'ethereum', pairs: ['P8'], wait: true })
    expect(receipt).toMatchObject({ status: 'answered', result: { node: own.id, service: stage.service } })
    const refused = () => metricValue(other, 'arbitrage_warm_requests_refused_total', { reason: 'other-service' })
    await until('the other has passed it over', async () => (await refused()) === 1)
    expect(nodes.map((node) => node.stats().warms.admitted)).toEqual([1, 0])
    expect(resultsIn(results)).toHaveLength(1)
  })
})

test('a warm request that a closing node still holds is refused, and the refusal arrives', async () => {
  await onStage(inMemory(), async (stage) => {
    const node = await stage.startNode({ config: SMALL_L1 })
    await fill(stage, [node])
    const results = await stage.watch(stage.topics.warmResults)
    const publisher = await stage.warmPublisher()
    await publisher.request({ chain: 'ethereum', pairs: ['P8'], notBeforeMs: Date.now() + 60_000 })
    await publisher.request({ chain: 'ethereum', pairs: ['P9'], wait: true })
    await node.close()
    await until('both are answered', () => results.length === 2)
    expect(resultsIn(results).map(({ status }) => status)).toEqual(['done', 'refused'])
  })
})

test('a node with warming off refuses warm requests', async () => {
  await onStage(inMemory(), async (stage) => {
    const node = await stage.startNode({ config: { ...SMALL_L1, warming: { enabled: false } } })
    await fill(stage, [node])
    const results = await stage.watch(stage.topics.warmResults)
    const publisher = await stage.warmPublisher()
    await publisher.request({ chain: 'ethereum', pairs: ['P8'] })
    await until('it is answered', () => results.length === 1)
    expect(resultsIn(results)).toMatchObject([{ status: 'refused', warmed: 0 }])
    expect(node.stats().warms.admitted).toBe(0)
  })
})

test('node.warm loads pairs into the L1 of this node', async () => {
  await onStage(inMemory(), async (stage) => {
    const unstarted = await stage.node()
    await expect(unstarted.warm('ethereum', ['P8'])).rejects.toMatchObject({ code: 'refused' })
    const node = await stage.startNode({ config: SMALL_L1 })
    await fill(stage, [node])
    expect(await node.warm('ethereum', ['P8', 'P9'])).toMatchObject({ status: 'done', warmed: 2, node: node.id })
  })
})

test('warm requests of two services share a topic with another number of partitions than the price topics', async () => {
  await onStage(inMemory(3), async (stage) => {
    const one = { partitions: 1 }
    await stage.admin.createTopics([
      { topic: stage.topics.warmRequests, ...one },
      { topic: stage.topics.warmResults, ...one },
    ])
    const node = await stage.startNode({ config: SMALL_L1 })
    await fill(stage, [node])
    const publisher = await stage.warmPublisher()
    const receipt = await publisher.request({ chain: 'ethereum', pairs: ['P8'], wait: true })
    expect(receipt).toMatchObject({ result: { status: 'done', warmed: 1 } })
    expect(await metricValue(node, 'arbitrage_drops_total', { reason: 'warm-result-not-sent' })).toBe(0)
  })
})
