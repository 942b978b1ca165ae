import { expect, test } from '@jest/globals'
import type { ForewarmNode } from '../../node/node.ts'
import { soonestWarmMs } from '../../node/rollout/triggers.ts'
import { createMemoryBroker } from '../../src/broker/memory/broker.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { Overrides } from '../../src/config/settings.ts'
import { detector } from '../../src/detect/detector.ts'
import { until } from '../harness/until.ts'
import { onStage, type Stage, updateOf } from './stage.ts'

const BEGAN_MS = Date.UTC(2026, 0, 5, 12)
const FILLERS = 40

interface NodeOptions {
  readonly lagMs: number
  readonly nodeConfig: Overrides['node']
  readonly mayRead?: (node: ForewarmNode) => Promise<unknown>
}

/**
 * A node whose detector reads B `lagMs` after each update of A on a manual clock, as soon as `mayRead` allows it. Reads of
 * other pairs fill L1, so B is evicted before the next update of A. Returns a function that plays one such round.
 */
async function openNode(stage: Stage, options: NodeOptions): Promise<() => Promise<string | undefined>> {
  const { lagMs, nodeConfig, mayRead = async () => undefined } = options
  let nowMs = BEGAN_MS
  let read: string | undefined
  const partner = detector('partner', {}, async ({ pair }, prices) => {
    if (pair !== 'A') return void (await prices.getOrLoad('ethereum', pair))
    nowMs += lagMs
    await mayRead(node)
    const reading = prices.get('ethereum', 'B')
    read = typeof reading === 'string' ? reading : 'found'
  })
  const node = await stage.startNode({
    detectors: [partner],
    clock: { now: () => nowMs },
    config: { cache: { l1Slots: 10 }, node: nodeConfig },
  })
  const isInL2 = () => until('all is in L2', () => node.stats().l2.waitingEntries === 0)
  return async () => {
    read = undefined
    nowMs += 1_000
    const fillers = Array.from({ length: FILLERS }, (_, n) => updateOf(`F${n}`, { eventTimeMs: nowMs }))
    await stage.produce(updateOf('B', { eventTimeMs: nowMs }), ...fillers)
    await until('B is pushed out', () => node.stats().l1.evictions > 0 && !node.has('ethereum', 'B'))
    await isInL2()
    await stage.produce(updateOf('A', { eventTimeMs: nowMs }))
    return until('B is read', () => read)
  }
}

test('a node warms by itself what is read sooner than a request could travel through the topic', async () => {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const isKnown = (node: ForewarmNode) => node.pairsToWarm('ethereum', 'A').length > 0
    const mayRead = async (node: ForewarmNode) => {
      if (isKnown(node)) await until('B is warm', () => node.has('ethereum', 'B'))
    }
    const round = await openNode(stage, { lagMs: 8, nodeConfig: { lookAhead: 'off' }, mayRead })
    const requests = await stage.watch(stage.topics.warmRequests, 'earliest')
    expect([await round(), await round()]).toEqual(['unknown', 'found'])
    expect(requests).toHaveLength(0)
  })
})

test('a node sends a warm request for what is read late enough for it to travel through the topic', async () => {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const round = await openNode(stage, { lagMs: 20, nodeConfig: { lookAhead: 'off' } })
    const requests = await stage.watch(stage.topics.warmRequests, 'earliest')
    for (let rounds = 0; rounds < 2; rounds++) await round()
    await until('the request is seen', () => requests.length === 1)
  })
})

test('a node that warms again, after it was off, gives its warm requests no ids from before', async () => {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    let node: ForewarmNode | undefined
    const mayRead = async (started: ForewarmNode) => {
      node = started
    }
    const round = await openNode(stage, { lagMs: 20, nodeConfig: { lookAhead: 'off' }, mayRead })
    const requests = await stage.watch(stage.topics.warmRequests, 'earliest')
    for (let rounds = 0; rounds < 2; rounds++) await round()
    await until('it has sent requests', () => requests.length > 0)
    const before = requests.length
    await node?.rollout.set({ mode: 'off' })
    await node?.rollout.set({ mode: 'full' })
    await round()
    await until('it sends requests again', () => requests.length > before)
    const ids = requests.map(({ value }) => JSON.parse(`${value}`).requestId)
    expect(new Set(ids).size).toBe(ids.length)
  })
})

test('a node that sends no warm requests fetches what is read soon by its look-ahead', async () => {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const roles = ['detect', 'warm'] as const
    const round = await openNode(stage, { lagMs: 8, nodeConfig: { roles, lookAhead: 'await', lookAheadMs: 1_000 } })
    expect([await round(), await round()]).toEqual(['unknown', 'found'])
  })
})

test.each([
  [['correlate', 'detect', 'warm'], 3],
  [['detect', 'warm'], 20],
  [['correlate', 'warm'], 20],
  [['correlate', 'detect'], 20],
] as const)('a node with the roles %j requests warms for reads from %d ms on', (roles, warmMs) => {
  const loaded = loadConfig({ env: {}, overrides: { node: { roles } } })
  expect(loaded.status === 'loaded' && soonestWarmMs(loaded.config)).toBe(warmMs)
})
