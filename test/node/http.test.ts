import { request } from 'node:https'
import { expect, test } from '@jest/globals'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { createMemoryBroker } from '../../src/broker/memory/broker.ts'
import { detector } from '../../src/detect/detector.ts'
import { until } from '../harness/until.ts'
import { CERTIFICATE, KEY } from '../http/certificates.ts'
import { get, metricValue } from './scrape.ts'
import { onStage, updateOf } from './stage.ts'

test('/metrics shows the counters of everything that a node did', async () => {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const reader = detector('reader', {}, async ({ pair }, prices) => {
      if (pair === 'READ') await prices.getMany('ethereum', ['P8', 'P9'])
    })
    const node = await stage.startNode({
      detectors: [reader],
      config: { cache: { l1Slots: 4 }, node: { lookAhead: 'off' } },
    })
    await stage.produce(...Array.from({ length: 10 }, (_, i) => updateOf(`P${i}`)))
    await until('the pairs are in L2', () => node.stats().updates === 10 && node.stats().l2.waitingEntries === 0)
    const publisher = await stage.warmPublisher()
    await publisher.request({ chain: 'ethereum', pairs: ['P8'], wait: true })
    await stage.produceRecords({ partition: 0, key: 'ethereum', value: 'bad' })
    await stage.produce(updateOf('READ'))
    await stage.deadLetters(1)
    await until('all is committed', async () => (await stage.committed()) === 12)
    const chain = { chain: 'ethereum' }
    const expected: readonly (readonly [name: string, labels: Readonly<Record<string, string>>, value: number])[] = [
      ['price_updates_total', chain, 11],
      ['cache_hits_total', { ...chain, cache_level: 'L1' }, 1],
      ['cache_misses_total', { ...chain, cache_level: 'L1' }, 1],
      ['cache_loads_total', { cause: 'read', cache_level: 'L2' }, 1],
      ['cache_loads_total', { cause: 'warm', cache_level: 'L2' }, 1],
      ['warming_operations_total', { ...chain, status: 'success', strategy: 'manual' }, 1],
      ['warming_pairs_warmed_total', { ...chain, strategy: 'manual' }, 1],
      ['warms_used_total', { strategy: 'manual' }, 1],
      ['dead_letters_total', { reason: 'not-json' }, 1],
      ['rebalances_total', { group: `forewarm.${stage.service}` }, 1],
      ['correlation_pairs_tracked', {}, 11],
      ['consumer_lag_records', { topic: stage.topic }, 0],
      ['l2_state', {}, 1],
      ['warming_duration_ms_count', { ...chain, strategy: 'manual' }, 1],
      ['warming_duration_seconds_count', { ...chain, strategy: 'manual' }, 1],
    ]
    const found = []
    for (const [name, labels] of expected)
      found.push([name, labels, await metricValue(node, `arbitrage_${name}`, labels)])
    expect(found).toEqual(expected)
    expect(await metricValue(node, 'arbitrage_end_to_end_latency_seconds_count')).toBeGreaterThan(0)
    expect(await metricValue(node, 'process_resident_memory_bytes')).toBeGreaterThan(0)
  })
})

test('/metrics uses the configured prefix', async () => {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const node = await stage.startNode({ config: { metrics: { prefix: 'fw_' } } })
    expect(await metricValue(node, 'fw_l2_state')).toBe(1)
  })
})

test('/metrics is not found if metrics are off, and updates are still counted', async () => {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const node = await stage.startNode({ config: { metrics: { enabled: false } } })
    await stage.produce(updateOf('A'))
    await until('it is counted', () => node.stats().updates === 1)
    expect(await get(node, '/metrics')).toMatchObject({ status: 404, body: expect.stringContaining('Metrics are off') })
  })
})

test('a running node is live and ready, and lists its checks', async () => {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const node = await stage.startNode()
    const ok = { status: 'ok' }
    const restored = {
      ...ok,
      reason: expect.stringMatching(/^edges restored: 0, in \d+ ms; leaders not met here yet: 0$/),
    }
    const live = await get(node, '/livez')
    expect({ ...live, body: JSON.parse(live.body) }).toEqual({
      status: 200,
      body: { status: 'ok', checks: { loop: ok } },
    })
    const ready = await get(node, '/readyz')
    expect({ ...ready, body: JSON.parse(ready.body) }).toEqual({
      status: 200,
      body: {
        status: 'ok',
        checks: {
          'price-updates': ok,
          'warm-requests': ok,
          restored,
          control: ok,
          'caught-up': ok,
          records: ok,
          l2: ok,
        },
      },
    })
  })
})

test('a node whose broker is away is live but not ready, until the broker is back', async () => {
  const broker = createMemoryBroker()
  await onStage({ broker }, async (stage) => {
    const node = await stage.startNode()
    broker.disconnect()
    expect(await get(node, '/livez')).toMatchObject({ status: 200 })
    expect(await get(node, '/readyz')).toMatchObject({ status: 503, body: expect.stringContaining('restarting') })
    broker.reconnect()
    expect(await get(node, '/readyz')).toMatchObject({ status: 200 })
  })
})

test('a node that is behind is not ready until it has caught up', async () => {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const { promise: gate, resolve: open } = Promise.withResolvers<void>()
    const slow = detector('slow', {}, () => gate)
    const node = await stage.node({ detectors: [slow], start: 'earliest' })
    await stage.produce(...Array.from({ length: 2_000 }, (_, i) => updateOf(`P${i}`)))
    await node.start()
    const behind = await get(node, '/readyz')
    expect(behind).toMatchObject({ status: 503, body: expect.stringContaining('caught up') })
    expect(await get(node, '/livez')).toMatchObject({ status: 200 })
    open()
    await until('it is ready', async () => (await get(node, '/readyz')).status === 200)
    expect(await stage.committed()).toBe(2_000)
  })
})

test('/health/warming says what was tracked and warmed', async () => {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const node = await stage.startNode({ config: { cache: { l1Slots: 4 } } })
    await stage.produce(...Array.from({ length: 10 }, (_, i) => updateOf(`P${i}`)), updateOf('P0'))
    await until('the pairs are in L2', () => node.stats().updates === 11 && node.stats().l2.waitingEntries === 0)
    await node.warm('ethereum', ['P8', 'P9'])
    const { status, body } = await get(node, '/health/warming')
    expect(status).toBe(200)
    expect(JSON.parse(body)).toMatchObject({
      status: 'healthy',
      tracker: { totalPairs: 10, totalUpdates: 11 },
      warmer: { totalWarmingOps: 1, totalPairsWarmed: 2, successRate: 1 },
    })
  })
})

test('a node that has handled and warmed nothing says no success rate and no latency', async () => {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const node = await stage.startNode()
    const { warmer } = JSON.parse((await get(node, '/health/warming')).body)
    expect(warmer).toStrictEqual({ totalWarmingOps: 0, totalPairsWarmed: 0 })
    expect(node.stats().endToEndMs).toBeUndefined()
  })
})

test('a node tells what it knows of a price, and how fresh its prices are, without taking that for a read', async () => {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const reader = detector('reader', {}, ({ pair }, prices) => {
      if (pair === 'READ') prices.get('ethereum', 'A/B')
    })
    const node = await stage.startNode({ detectors: [reader] })
    const update = updateOf('A/B', { price: 5 })
    await stage.produce(update, updateOf('READ'))
    await until('both are handled', () => node.stats().updates === 2)
    const seen = await until('the bound is known', async () => {
      const sight = JSON.parse((await get(node, '/prices/ethereum/A%2FB')).body)
      return sight.behind_ms !== null && sight
    })
    const { eventTimeMs } = update
    expect(seen).toMatchObject({
      price: 5,
      event_time_ms: eventTimeMs,
      level: 'L1',
      kind: 'followed',
      source: `${stage.topic}/0`,
    })
    expect(await get(node, '/prices/ethereum/NONE')).toMatchObject({
      status: 404,
      body: expect.stringContaining('no level has it'),
    })
    expect(node.stats().reads).toEqual({ hits: 1, misses: 0 })
    const { freshness } = JSON.parse((await get(node, '/health/warming')).body)
    expect(freshness).toMatchObject({ followed: { pairs: 2, reads: 1 }, foreign: { pairs: 0, reads: 0 } })
    expect(await metricValue(node, 'arbitrage_resident_pairs', { kind: 'followed' })).toBe(2)
    expect(await metricValue(node, 'arbitrage_price_reads_total', { kind: 'followed' })).toBe(1)
  })
})

test('a node answers what /openapi.json says, before its first update and after reads and warms', async () => {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const reader = detector('reader', {}, (_, prices) => void prices.get('ethereum', 'P1'))
    const node = await stage.startNode({ detectors: [reader] })
    const paths = Object.entries(JSON.parse((await get(node, '/openapi.json')).body).paths)
    const wish = { strategy: 'on_demand', pairs: ['P1'], chain: 'ethereum' }
    const posting = { method: 'POST', body: JSON.stringify(wish) }
    const posted = await fetch(`http://127.0.0.1:${node.httpPort}/cache/warm/intelligent`, posting)
    const { task_id: taskId } = (await posted.json()) as { readonly task_id: string }
    const asked = paths.filter(([path]) => path !== '/metrics' && path !== '/openapi.json')
    const check = async () => {
      for (const [path, { get: described }] of asked as [string, { get?: { responses: Responses } }][]) {
        if (described === undefined) continue
        const named = path.replace('{chain}', 'ethereum').replace('{pair}', 'P1').replace('{task_id}', taskId)
        const { status, body } = await get(node, named)
        const content = (described.responses[status] ?? described.responses.default)?.content['application/json']
        if (content !== undefined) expect([path, faultsOf(content.schema, JSON.parse(body))]).toEqual([path, []])
        else expect([path, status]).toEqual(['/prices/{chain}/{pair}', 404])
      }
    }
    await check()
    await stage.produce(...Array.from({ length: 4 }, (_, i) => updateOf(`P${i}`, { bid: 1, liquidity: 2 })))
    await until('all are handled', () => node.stats().updates === 4)
    await node.warm('ethereum', ['P2'])
    await check()
  })
})

test('a node with a certificate speaks HTTPS', async () => {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const node = await stage.startNode({ config: { http: { tlsCert: CERTIFICATE, tlsKey: KEY } } })
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    request({ host: '127.0.0.1', port: node.httpPort, path: '/livez', ca: CERTIFICATE }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
      .on('error', reject)
      .end()
    expect(await promise).toBe(200)
    await expect(fetch(`http://127.0.0.1:${node.httpPort}/livez`)).rejects.toThrow()
  })
})

type Responses = Readonly<Record<string, { readonly content: Readonly<Record<string, { readonly schema: object }>> }>>

function faultsOf(schema: object, answer: unknown): readonly unknown[] {
  const ajv = new Ajv2020({ strict: true, allErrors: true, allowUnionTypes: true })
  ajv.validate(schema, answer)
  return ajv.errors ?? []
}
