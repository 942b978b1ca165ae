import { expect, test } from '@jest/globals'
import { prepareTopics } from '../../node/topics.ts'
import { createMemoryBroker } from '../../src/broker/memory/broker.ts'
import { type Admin, type Broker, BrokerError } from '../../src/broker/port.ts'
import { loadConfig } from '../../src/config/load.ts'
import { detector } from '../../src/detect/detector.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { until } from '../harness/until.ts'
import { metricValue } from './scrape.ts'
import { onStage, type Stage, updateOf } from './stage.ts'

const reading = detector('reading', {}, ({ chain, pair }, prices) => void prices.get(chain, `${pair} follower`))

const recordsOf = (stage: Stage) => stage.watch(stage.topics.correlations, 'earliest')

test('a node that does not warm, or does not correlate, keeps nothing and says nothing of it', async () => {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const node = await stage.startNode({ detectors: [reading], config: { warming: { enabled: false } } })
    const detecting = await stage.startNode({
      detectors: [reading],
      config: { node: { roles: ['detect', 'api'], service: `${stage.service}-2` } },
    })
    for (const each of [node, detecting]) {
      const ready = await fetch(`http://127.0.0.1:${each.httpPort}/readyz`)
      expect(Object.keys(((await ready.json()) as { checks: object }).checks)).not.toContain('restored')
    }
    await stage.produce(updateOf('A'))
    await until('it is handled', () => node.stats().updates === 1)
    await node.close()
    await detecting.close()
    const offsets = (await stage.admin.topics()).includes(stage.topics.correlations)
      ? await stage.admin.offsets(stage.topics.correlations)
      : []
    expect(offsets.map(({ high }) => high).filter((high) => high > 0n)).toEqual([])
  })
})

test('what cannot be written is counted, and written later', async () => {
  const broker = createMemoryBroker()
  await onStage({ broker }, async (stage) => {
    const node = await stage.startNode({ detectors: [reading], config: { warming: { controlShare: 0 } } })
    const records = await recordsOf(stage)
    await stage.produce(updateOf('A'))
    await until('it is handled', () => node.stats().updates === 1)
    broker.fail(1, new BrokerError('not-authorized', 'WRITE', { retriable: false }))
    const dropped = () => metricValue(node, 'arbitrage_drops_total', { reason: 'correlations-not-written' })
    await broker.rebalance(`forewarm.${stage.service}`)
    await until('it is counted', async () => (await dropped()) > 0)
    expect(records).toHaveLength(0)
    // Whoever had the pair meanwhile may have written of it: it is this node's again with its next update.
    await stage.produce(updateOf('A'))
    await until('the next is handled', () => node.stats().updates === 2)
    await broker.rebalance(`forewarm.${stage.service}`)
    await until('it is written', () => records.length > 0)
    expect(records[0]?.key?.toString()).toBe(`${stage.service}\0ethereum\0A`)
    await until(
      'that is counted, too',
      async () => (await metricValue(node, 'arbitrage_correlations_written_total')) > 0,
    )
  })
})

test('a node that gives its partitions up writes what it has learned before the next owner begins', async () => {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const node = await stage.startNode({ detectors: [reading] })
    for (let round = 0; round < 20; round++) await stage.produce(updateOf('A'))
    await until('all is handled', () => node.stats().updates === 20)
    const [before] = node.pairsToWarm('ethereum', 'A')
    await node.close()
    const next = await stage.startNode()
    expect(before?.score).toBeGreaterThan(0.9)
    expect(next.pairsToWarm('ethereum', 'A')).toMatchObject([
      { pair: 'A follower', score: expect.closeTo(before?.score ?? 0, 2) },
    ])
  })
})

test('a node for which the cluster refuses to make the topic runs, and says why it starts cold', async () => {
  const broker = createMemoryBroker()
  const refusing: Broker = {
    ...broker,
    admin: () => {
      const admin = broker.admin()
      const createTopics: Admin['createTopics'] = async (specs) => {
        if (specs.some(({ config }) => config?.['cleanup.policy'] === 'compact'))
          throw new BrokerError('refused', 'POLICY_VIOLATION', { retriable: false })
        return admin.createTopics(specs)
      }
      return new Proxy(admin, {
        get: (target, name: keyof Admin) => (name === 'createTopics' ? createTopics : target[name].bind(target)),
      })
    },
  }
  await onStage({ broker, nodeBroker: refusing }, async (stage) => {
    const node = await stage.startNode({ detectors: [reading] })
    const ready = await fetch(`http://127.0.0.1:${node.httpPort}/readyz`)
    expect(ready.ok).toBe(true)
    expect(await ready.json()).toMatchObject({
      checks: { restored: { status: 'degraded', reason: 'started cold: POLICY_VIOLATION' } },
    })
  })
})

test.each([
  ['delete', true],
  ['compact', false],
  ['compact,delete', false],
])('a node warns of a topic of correlations with cleanup.policy=%s: %s', async (policy, isWarned) => {
  const broker = createMemoryBroker({ partitions: { prices: 1 } })
  const loaded = loadConfig({ env: { PRICE_TOPICS: 'prices' }, file: undefined })
  if (loaded.status !== 'loaded') throw new Error('the settings are not allowed')
  const admin = broker.admin()
  await admin.connect()
  await admin.createTopics([{ topic: 'correlations', partitions: 1, config: { 'cleanup.policy': policy } }])
  const lines: string[] = []
  const log = createLog({ service: 'test', version: '', stream: { write: (line) => void lines.push(line) } })
  await prepareTopics({ broker, config: loaded.config, log, signal: new AbortController().signal })
  expect(lines.some((line) => line.includes('the topic is not compacted'))).toBe(isWarned)
  await broker.close()
})
