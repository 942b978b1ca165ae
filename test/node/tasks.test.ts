import { expect, test } from '@jest/globals'
import type { ForewarmNode } from '../../node/node.ts'
import { createMemoryBroker } from '../../src/broker/memory/broker.ts'
import { virtualClock } from '../../src/clock.ts'
import type { Overrides } from '../../src/config/settings.ts'
import { detector } from '../../src/detect/detector.ts'
import { until } from '../harness/until.ts'
import { onStage, type Stage, updateOf } from './stage.ts'
import { asked, ended, statusOf, wished } from './task-client.ts'

const SMALL_L1 = { cache: { l1Slots: 4 }, node: { lookAhead: 'off' } } as const
const CHAIN = 'ethereum'

async function fill(stage: Stage, nodes: readonly ForewarmNode[]): Promise<void> {
  await stage.produce(...Array.from({ length: 10 }, (_, i) => updateOf(`P${i}`, { price: i })))
  const updates = () => nodes.reduce((sum, node) => sum + node.stats().updates, 0)
  const written = () => nodes.every((node) => node.stats().l2.waitingEntries === 0)
  await until('they are in L2', () => updates() === 10 && written())
}

test('a POST to /cache/warm/intelligent makes a task, whose status has the result of the node', async () => {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const node = await stage.startNode({ config: SMALL_L1 })
    await fill(stage, [node])
    const { status, body, location } = await wished(node, {
      strategy: 'on_demand',
      pairs: ['P8', 'none'],
      chain: CHAIN,
    })
    expect(status).toBe(202)
    expect(body).toEqual({ task_id: expect.any(String), status_url: `/cache/warm/status/${body.task_id}` })
    expect(location).toBe(body.status_url)
    expect(await ended(node, body.task_id)).toMatchObject({
      status: 'partial',
      reason: `partial on ${node.id}`,
      strategy: 'on_demand',
      priority: 'high',
      pairs: 2,
      warmed: 1,
      nodes: [{ node: node.id, status: 'partial', warmed: 1, not_found: 1 }],
    })
  })
})

test('any node tells of a task: one that did not take the POST, and one that was started after it', async () => {
  await onStage({ broker: createMemoryBroker(), partitions: 2 }, async (stage) => {
    const [first, second] = [await stage.startNode({ config: SMALL_L1 }), await stage.startNode({ config: SMALL_L1 })]
    await fill(stage, [first, second])
    const { body } = await wished(first, { strategy: 'on_demand', instrument_id: 'P1', chain: CHAIN })
    const known = await ended(first, body.task_id)
    await first.close()
    const late = await stage.startNode({ config: SMALL_L1 })
    for (const node of [second, late]) {
      const told = await Promise.all([1, 2, 3].map(() => statusOf(node, body.task_id)))
      for (const each of told) expect(each).toMatchObject({ status: 200, body: known })
    }
  })
})

test('a warm request of a publisher is a task, too', async () => {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const node = await stage.startNode({ config: SMALL_L1 })
    await fill(stage, [node])
    const publisher = await stage.warmPublisher()
    const receipt = await publisher.request({ chain: CHAIN, pairs: ['P8'], wait: true, waitFor: 'all' })
    expect(receipt).toMatchObject({ status: 'over', task: { state: 'done', warmed: 1, nodes: [{ node: node.id }] } })
    const { body } = await statusOf(node, receipt.requestId)
    expect(body).toMatchObject({ status: 'done', strategy: 'manual', warmed: 1, nodes: [{ node: node.id }] })
  })
})

test('a pair without a chain is meant in each chain in which the node knows it, in a request each', async () => {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const node = await stage.startNode()
    await stage.produce(updateOf('EUR_USD@H4', { chain: 'fx' }), updateOf('EUR_USD@H4', { chain: 'copy' }))
    await until('both are known', () => node.stats().updates === 2)
    const wish = { strategy: 'on_demand', instrument_id: 'EUR_USD', granularity: 'H4' }
    const { body } = await wished(node, wish)
    expect(await ended(node, body.task_id)).toMatchObject({ status: 'done', pairs: 2, nodes: [{ already_in_l1: 2 }] })
    const dated = await wished(node, { ...wish, cache_type: 'labels', date: '2024-01-01' })
    expect(dated).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining('labels:EUR_USD@H4:2024-01-01') },
    })
  })
})

/** A node that knows that P1 is read after P0. */
async function taught(stage: Stage, config: Overrides) {
  const reader = detector('reader', {}, async ({ pair }, prices) => {
    if (pair === 'P0') await prices.getOrLoad(CHAIN, 'P1')
  })
  const node = await stage.startNode({ detectors: [reader], config })
  await fill(stage, [node])
  for (let i = 0; i < 20; i++) await stage.produce(updateOf('P0', { price: i }))
  await until('P1 is known to follow', () => node.pairsToWarm(CHAIN, 'P0').length > 0 && node.stats().updates === 30)
  return node
}

test.each([
  [0.05, 'high'],
  [1, 'medium'],
])(
  'predictive has with PREDICTION_CONFIDENCE %d the priority %s, unless the caller names one',
  async (confidence, priority) => {
    await onStage({ broker: createMemoryBroker() }, async (stage) => {
      const node = await taught(stage, { ...SMALL_L1, prediction: { confidence } })
      const wish = { strategy: 'predictive', pairs: ['P0'], chain: CHAIN }
      const { body } = await wished(node, wish)
      expect(await ended(node, body.task_id)).toMatchObject({ status: 'done', priority })
      const urgent = await wished(node, { ...wish, priority: 'critical' })
      expect(await ended(node, urgent.body.task_id)).toMatchObject({ priority: 'critical' })
    })
  },
)

test('predictive warms what is read after the named pair, and a manual cycle what history proposes', async () => {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const node = await taught(stage, SMALL_L1)
    const { body } = await wished(node, { strategy: 'predictive', pairs: ['P0'], chain: CHAIN })
    expect(await ended(node, body.task_id)).toMatchObject({ status: 'done', strategy: 'predictive', pairs: 1 })
    const cycle = await asked<Readonly<Record<string, unknown>>>(node, '/warming/run', {})
    expect(cycle.status).toBe(200)
    expect(Object.keys(cycle.body)).toEqual(
      expect.arrayContaining(['popular', 'trending', 'time_of_day', 'market_open', 'sector_rotation', 'pattern']),
    )
    expect(cycle.body.popular).toEqual({ symbols_warmed: expect.any(Number), duration_seconds: expect.any(Number) })
    const popular = await wished(node, { strategy: 'popular', limit: 1, chain: CHAIN })
    expect(await ended(node, popular.body.task_id)).toMatchObject({ status: 'done', priority: 'low', pairs: 1 })
    const elsewhere = await wished(node, { strategy: 'popular', chain: 'elsewhere' })
    expect(await ended(node, elsewhere.body.task_id)).toMatchObject({ reason: 'there was nothing to warm' })
    const stats = await asked(node, '/cache/warming/stats')
    expect(stats.body).toMatchObject({
      by_strategy: { predictive: { operations: 1 }, popular: { operations: 2 } },
      queue: { waiting: 0, running: 0 },
      shed: { total: 0 },
    })
    expect((await asked(node, '/warming/stats')).body).toEqual(stats.body)
  })
})

test('a task without a pair to warm is done, on every node', async () => {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const [node, other] = [await stage.startNode(), await stage.startNode()]
    const { body } = await wished(node, { strategy: 'popular' })
    for (const each of [node, other])
      expect((await statusOf(each, body.task_id)).body).toMatchObject({
        status: 'done',
        reason: 'there was nothing to warm',
        nodes: [],
      })
  })
})

test.each<[fault: string, wish: object, fields: readonly string[]]>([
  ['no strategy', {}, ['/strategy']],
  ['an unknown strategy and priority', { strategy: 'x', priority: 'top' }, ['/strategy', '/priority']],
  ['no pairs', { strategy: 'on_demand', pairs: [] }, ['/pairs']],
  ['1,001 pairs', { strategy: 'on_demand', pairs: Array.from({ length: 1_001 }, (_, i) => `P${i}`) }, ['/pairs']],
  ['a pair that is no name', { strategy: 'on_demand', pairs: ['A', 3] }, ['/pairs/1']],
  ['fields that do not exist', { strategy: 'popular', pear: 'A', x: 1 }, ['/pear', '/x']],
  ['on_demand without pairs', { strategy: 'on_demand', chain: CHAIN }, ['/pairs']],
  ['pairs that change nothing', { strategy: 'popular', pairs: ['A'] }, ['/pairs']],
  ['a window that changes nothing', { strategy: 'popular', window_hours: 3 }, ['/window_hours']],
  ['a pair of no known chain', { strategy: 'on_demand', pairs: ['A'] }, ['/chain']],
  ['a pair of too many bytes', { strategy: 'on_demand', chain: CHAIN, pairs: ['é'.repeat(200)] }, ['/pairs']],
  ['a chain of too many bytes', { strategy: 'on_demand', chain: 'é'.repeat(60), pairs: ['A'] }, ['/chain']],
  [
    'a name that a granularity makes too long',
    { strategy: 'on_demand', chain: CHAIN, instrument_id: 'A'.repeat(256), granularity: 'H4' },
    ['/pairs'],
  ],
  ['a date that is none', { strategy: 'on_demand', pairs: ['A'], date: 'soon' }, ['/date']],
  ['numbers out of range', { strategy: 'pattern', limit: 0, look_ahead_hours: 25 }, ['/limit', '/look_ahead_hours']],
])('a POST to /cache/warm/intelligent with %s is refused, every field by name', async (_, wish, fields) => {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const node = await stage.startNode()
    const refused = await asked<{ readonly errors: readonly { readonly pointer: string }[] }>(
      node,
      '/cache/warm/intelligent',
      wish,
    )
    expect(refused.status).toBe(400)
    expect(refused.body.errors.map(({ pointer }) => pointer).toSorted()).toEqual(
      fields.map((field) => `#${field}`).toSorted(),
    )
  })
})

test('a POST to /cache/warm/intelligent with a list is refused', async () => {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const node = await stage.startNode()
    expect(await wished(node, [])).toMatchObject({ status: 400, body: { detail: 'expected an object, got a list' } })
  })
})

test.each([
  ['none was ever made with its id', '01890a5d-ac96-774b-bcce-b302099a8057'],
  ['the id is no id of a task', 'task-1'],
  ['the id is of a day that is to come', 'ffffffff-ffff-7fff-bfff-ffffffffffff'],
])('the status of a task is not found if %s', async (_, taskId) => {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const node = await stage.startNode()
    expect(await statusOf(node, taskId)).toMatchObject({
      status: 404,
      body: { title: 'Not Found', detail: expect.stringContaining('No such task') },
    })
  })
})

test('a broker that is away is told to whoever asks for a task', async () => {
  const broker = createMemoryBroker()
  await onStage({ broker }, async (stage) => {
    const node = await stage.startNode()
    const { body } = await wished(node, { strategy: 'on_demand', pairs: ['A'], chain: CHAIN })
    broker.disconnect()
    expect(await statusOf(node, body.task_id)).toMatchObject({ status: 503 })
    broker.reconnect()
    expect(await statusOf(node, body.task_id)).toMatchObject({ status: 200 })
  })
})

test('a task that no node warms fails after half a minute, with the reason', async () => {
  const clock = virtualClock(1_700_000_000_000)
  await onStage({ broker: createMemoryBroker({ clock }) }, async (stage) => {
    const node = await stage.startNode({ clock, config: { node: { roles: ['api'] } } })
    const { body } = await wished(node, { strategy: 'on_demand', pairs: ['A'], chain: CHAIN })
    expect((await statusOf(node, body.task_id)).body).toMatchObject({ status: 'pending', nodes: [] })
    clock.advanceTo(clock.now() + 30_000)
    expect((await statusOf(node, body.task_id)).body).toMatchObject({
      status: 'failed',
      reason: 'no node has answered: none that warms has an interest in these pairs, or it has ended',
    })
    clock.advanceTo(clock.now() + 86_400_000)
    expect(await statusOf(node, body.task_id)).toMatchObject({ status: 404 })
  })
})

test('WARMING_MAX_CONCURRENT and WARMING_MAX_TASK_MINUTES bound what a node carries out', async () => {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const node = await stage.startNode({ config: { ...SMALL_L1, tasks: { maxConcurrent: 1, maxMinutes: 1 } } })
    await fill(stage, [node])
    const wish = { strategy: 'on_demand', pairs: ['P7', 'P8', 'P9'], chain: CHAIN }
    const requests = await stage.watch(stage.topics.warmRequests)
    const posted = await Promise.all(Array.from({ length: 20 }, () => wished(node, wish)))
    const tasks = await Promise.all(posted.map(({ body }) => ended(node, body.task_id)))
    expect(tasks.map(({ status }) => status)).toEqual(tasks.map(() => 'done'))
    await until('all requests are seen', () => requests.length >= 20)
    const { issuedAtMs, expiresAtMs } = JSON.parse(requests[0]?.value?.toString() ?? '{}')
    expect(expiresAtMs - issuedAtMs).toBe(60_000)
  })
})

test('a task is refused while the rollout is off, and carried out in shadow', async () => {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const node = await stage.startNode({ config: { ...SMALL_L1, warming: { rollout: 'off' } } })
    await fill(stage, [node])
    const wish = { strategy: 'on_demand', pairs: ['P8'], chain: CHAIN }
    const refused = await wished(node, wish)
    expect(await ended(node, refused.body.task_id)).toMatchObject({
      ...{ status: 'refused', reason: `refused by ${node.id} (off)`, warmed: 0 },
      nodes: [{ node: node.id, status: 'refused', reason: 'off' }],
    })
    await node.rollout.set({ mode: 'shadow' })
    const shadowed = await wished(node, wish)
    expect(await ended(node, shadowed.body.task_id)).toMatchObject({ status: 'done', warmed: 1 })
  })
})
