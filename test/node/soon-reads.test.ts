import { expect, test } from '@jest/globals'
import type { ForewarmNode } from '../../node/node.ts'
import { soonestWarmMs } from '../../node/triggers.ts'
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
 * A node whose detector reads B `lagMs` after each update of A, by a clock that moves by hand, and once `mayRead` lets it.
 * The reads of all others fill L1: B is gone from it by the next update.
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

test('what is read sooner than a request comes through the topic, the node warms by itself', async () => {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const isKnown = (node: ForewarmNode) => node.pairsToWarm('ethereum', 'A').length > 0
    const mayRead = async (node: ForewarmNode) => {
      if (isKnown(node)) await until('B is warm', () => node.has('ethereum', 'B'))
    }
    const round = await openNode(stage, { lagMs: 8, nodeConfig: { lookAhead: 'off' }, mayRead })
    const requests = await stage.watch(stage.topics.warmRequests, 'earliest')
    expect([await round(), await round()]).toEqual(['missing', 'found'])
    expect(requests).toHaveLength(0)
  })
})

test('what is read as late as a request comes through the topic is asked for there', async () => {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const round = await openNode(stage, { lagMs: 20, nodeConfig: { lookAhead: 'off' } })
    const requests = await stage.watch(stage.topics.warmRequests, 'earliest')
    for (let rounds = 0; rounds < 2; rounds++) await round()
    await until('the request is seen', () => requests.length === 1)
  })
})

test('where nothing is asked for after updates, what is read so soon is fetched ahead', async () => {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const roles = ['detect', 'warm'] as const
    const round = await openNode(stage, { lagMs: 8, nodeConfig: { roles, lookAhead: 'await', lookAheadMs: 1_000 } })
    expect([await round(), await round()]).toEqual(['missing', 'found'])
  })
})

test.each([
  [['correlate', 'detect', 'warm'], 3],
  [['detect', 'warm'], 20],
  [['correlate', 'warm'], 20],
  [['correlate', 'detect'], 20],
] as const)('a node that is to %j asks for reads from %d ms on', (roles, warmMs) => {
  const loaded = loadConfig({ env: {}, overrides: { node: { roles } } })
  expect(loaded.status === 'loaded' && soonestWarmMs(loaded.config)).toBe(warmMs)
})
