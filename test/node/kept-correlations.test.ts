import { expect, test } from '@jest/globals'
import { KeptCorrelations } from '../../node/kept/kept-correlations.ts'
import { createTracker } from '../../node/kept/kept-tracker.ts'
import { encodeLeader, leaderKey } from '../../schemas/correlations/leader-record.ts'
import { createMemoryBroker, type MemoryBroker } from '../../src/broker/memory/broker.ts'
import type { Broker, Consumer } from '../../src/broker/port.ts'
import { PairTable } from '../../src/cache/names/pair-table.ts'
import { systemClock } from '../../src/clock.ts'
import { loadConfig } from '../../src/config/load.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { createMetrics } from '../../src/telemetry/metrics.ts'
import { until } from '../harness/until.ts'

const NOBODY = { positions: () => [] }
const EACH = () => true
const P0 = [{ topic: 'prices', partition: 0 }]

/** Consumers of this broker never come to the end, while `isStuck`. */
function stuck(broker: MemoryBroker, state: { isStuck: boolean }): Broker {
  return {
    ...broker,
    consumer: (options) => {
      const consumer = broker.consumer(options)
      const positions: Consumer['positions'] = () => (state.isStuck ? [] : consumer.positions())
      return Object.assign(Object.create(consumer) as Consumer, {
        positions,
        start: () => consumer.start(),
        stop: () => consumer.stop(),
      })
    },
  }
}

async function keptOn(broker: Broker, restoreMs?: number, reason?: string) {
  const loaded = loadConfig({ env: {}, file: undefined })
  if (loaded.status !== 'loaded') throw new Error('the defaults are not allowed')
  const { config } = loaded
  const table = new PairTable({ maxPairs: 1_000 })
  const { tracker, kept } = createTracker({ config, keepsAs: 'me' }, table, undefined)
  if (kept === undefined) throw new Error('nothing is kept')
  const producer = broker.producer()
  await producer.connect()
  const correlations = new KeptCorrelations({
    ...{ config, broker, producer, kept, clock: systemClock, metrics: createMetrics(), nodeId: 'me' },
    ...{
      caches: { table, tracker },
      topic: reason === undefined ? {} : { reason },
      faults: { notSent: () => undefined },
    },
    log: createLog({ service: 'default', version: '', level: 'silent' }),
    onEvent: () => undefined,
    ...(restoreMs !== undefined && { restoreMs }),
  })
  const learn = (leader: string, follower: string): void => {
    const [pairId, read] = [table.register('c', leader), table.register('c', follower)]
    tracker.observe(pairId)
    tracker.settle(pairId, 1 << tracker.read(pairId, read, 1))
  }
  const followers = (leader: string) =>
    tracker
      .getPairsToWarm(table.register('c', leader), { nowMs: 0, limit: 9, minScore: 0 })
      .map(({ pairId }) => table.namesOf(pairId).pair)
  return { correlations, learn, followers, producer }
}

const record = (pair: string) => ({
  partition: 0,
  key: leaderKey('default', { chain: 'c', pair }),
  value: encodeLeader({
    ...{ v: 1, by: 'other', asOfMs: 0, pairs: ['old'], lagsMs: [5], rates: [0.9] },
    ...{ follow: [], hits: [], trials: [], lifts: [], zs: [], agoSeconds: [] },
  }),
})

async function brokerWith(leader: string): Promise<MemoryBroker> {
  const broker = createMemoryBroker({ partitions: { correlations: 1 } })
  const producer = broker.producer()
  await producer.connect()
  await producer.sendBatch('correlations', [record(leader)])
  return broker
}

const writtenTo = async (broker: MemoryBroker): Promise<number> => {
  const admin = broker.admin()
  await admin.connect()
  return Number((await admin.offsets('correlations'))[0]?.high ?? 0n)
}

test('a node that cannot read the topic to its end goes on cold, says so and writes nothing; what comes late adds to what it knows', async () => {
  const broker = await brokerWith('A')
  const state = { isStuck: true }
  const { correlations, learn, followers, producer } = await keptOn(stuck(broker, state), 20)
  expect(correlations.check()).toMatchObject({ status: 'failed', reason: 'restoring what was learned before' })
  await correlations.assigned(NOBODY, P0)
  expect(correlations.check()).toEqual({
    name: 'restored',
    status: 'degraded',
    reason: 'started cold: the topic was not read to its end in 20 ms',
  })
  for (const leader of ['A', 'B']) learn(leader, 'new')
  await producer.sendBatch('correlations', [record('B')])
  await correlations.leaving(EACH)
  expect(await writtenTo(broker)).toBe(2)
  state.isStuck = false
  await until('the edges that came late are there', () => followers('B').length === 2)
  expect([followers('A').toSorted(), followers('B').toSorted()]).toEqual([
    ['new', 'old'],
    ['new', 'old'],
  ])
  expect(correlations.check()).toMatchObject({ status: 'ok', reason: expect.stringMatching(/^edges restored: 2, /) })
  // What was learned before the partitions were given up may be another node's by now.
  await correlations.leaving(EACH)
  expect(await writtenTo(broker)).toBe(2)
  // Nor is anything written over what their next owner may have written, if they were lost.
  for (const leader of ['A', 'B']) learn(leader, 'new')
  await correlations.leaving(EACH, true)
  await correlations.leaving(EACH)
  expect(await writtenTo(broker)).toBe(2)
  for (const leader of ['A', 'B']) learn(leader, 'new')
  await correlations.leaving(EACH)
  expect(await writtenTo(broker)).toBe(4)
  await correlations.close()
  await broker.close()
})

test('a partition that nobody leads is waited for: the topic is not read to its end without it', async () => {
  const broker = await brokerWith('A')
  const producer = broker.producer()
  const admin = broker.admin()
  await Promise.all([producer.connect(), admin.connect()])
  await admin.growTopic('correlations', 2)
  const led = { partitions: 1 }
  const partly: Broker = {
    ...broker,
    consumer: (options) => {
      const consumer = broker.consumer(options)
      const positions: Consumer['positions'] = () => consumer.positions().slice(0, led.partitions)
      return Object.assign(Object.create(consumer) as Consumer, {
        positions,
        start: () => consumer.start(),
        stop: () => consumer.stop(),
      })
    },
  }
  const { correlations } = await keptOn(partly, 20)
  await correlations.assigned(NOBODY, P0)
  expect(correlations.check()).toMatchObject({ status: 'degraded' })
  led.partitions = 2
  await until('it is read to its end', () => correlations.check().status === 'ok')
  await correlations.close()
  await broker.close()
})

test('a topic that could not be made is read once somebody has made it', async () => {
  const broker = createMemoryBroker()
  const { correlations, learn, followers } = await keptOn(broker, 20, 'the right to CREATE it is missing')
  await correlations.assigned(NOBODY, P0)
  expect(correlations.check()).toMatchObject({
    status: 'degraded',
    reason: 'started cold: the right to CREATE it is missing',
  })
  learn('A', 'new')
  const admin = broker.admin()
  const producer = broker.producer()
  await Promise.all([producer.connect(), admin.connect()])
  await admin.createTopics([{ topic: 'correlations', partitions: 1 }])
  await producer.sendBatch('correlations', [record('A')])
  await until('it is read', () => correlations.check().status === 'ok')
  expect(followers('A').toSorted()).toEqual(['new', 'old'])
  learn('A', 'new')
  await correlations.leaving(EACH)
  expect(await writtenTo(broker)).toBe(2)
  await correlations.close()
  await broker.close()
})

test('while leaders that were met before are restored, others have their turns', async () => {
  const broker = await brokerWith('A')
  const { correlations, learn, followers, producer } = await keptOn(broker)
  await correlations.assigned(NOBODY, P0)
  const leaders = Array.from({ length: 300 }, (_, at) => `L${at}`)
  for (const leader of leaders) learn(leader, 'new')
  await producer.sendBatch('correlations', leaders.map(record))
  const seen = new Set<number>()
  const look = (): void => {
    seen.add(leaders.filter((leader) => followers(leader).includes('old')).length)
    if (!seen.has(leaders.length)) setImmediate(look)
  }
  setImmediate(look)
  await correlations.assigned(NOBODY, P0)
  await until('all are restored', () => seen.has(leaders.length))
  expect([...seen].filter((restored) => restored > 0).length).toBeGreaterThan(1)
  await correlations.close()
  await broker.close()
})

test('a rebalance that brings no partition restores nothing, and the node stays ready', async () => {
  const broker = await brokerWith('A')
  const state = { isStuck: false }
  const { correlations } = await keptOn(stuck(broker, state), 20)
  await correlations.assigned(NOBODY, P0)
  expect(correlations.check().status).toBe('ok')
  state.isStuck = true
  const assigned = correlations.assigned(NOBODY, [])
  expect(correlations.check().status).toBe('ok')
  await assigned
  expect(correlations.check().status).toBe('ok')
  await correlations.close()
  await broker.close()
})

test('an assignment that waits for the topic ends when the node closes', async () => {
  const broker = await brokerWith('A')
  const { correlations } = await keptOn(stuck(broker, { isStuck: true }))
  const assigned = correlations.assigned(NOBODY, P0)
  correlations.endRestoring()
  await assigned
  await correlations.close()
  await correlations.close()
  await broker.close()
})

test('after a rebalance a leader has what its owner meanwhile has written, also if it was known before', async () => {
  const broker = await brokerWith('B')
  const { correlations, learn, followers, producer } = await keptOn(broker)
  await correlations.assigned(NOBODY, P0)
  learn('A', 'new')
  expect(followers('A')).toEqual(['new'])
  await producer.sendBatch('correlations', [record('A')])
  await correlations.assigned(NOBODY, P0)
  expect(followers('A')).toEqual(['old', 'new'])
  expect(correlations.check()).toMatchObject({ status: 'ok', reason: expect.stringMatching(/^edges restored: 1, /) })
  await correlations.close()
  await broker.close()
})
