import { describe, expect, test } from '@jest/globals'
import { createMemoryBroker } from '../../src/broker/memory/broker.ts'
import { type Admin, BrokerError } from '../../src/broker/port.ts'
import { deadLetterTopics, findPriceTopics, growDeadLetterTopic, ownTopics } from '../../src/broker/price-topics.ts'

const OURS = {
  warmRequestsTopic: 'warm-requests',
  warmResultsTopic: 'prices.internal',
  correlationsTopic: 'prices.learned',
  controlTopic: 'prices.control',
}

async function adminOf(partitions: Record<string, number>): Promise<Admin> {
  const admin = createMemoryBroker({ partitions }).admin()
  await admin.connect()
  return admin
}

describe('price topics', () => {
  test('given by name keep the order of the names', async () => {
    const admin = await adminOf({ a: 3, b: 3, c: 7 })
    expect(await findPriceTopics(admin, ['b', 'a'], OURS)).toMatchObject({
      ok: true,
      topics: ['b', 'a'],
      partitions: 3,
    })
  })

  test('given by a pattern are those that match, except dead-letter topics and our own', async () => {
    const admin = await adminOf({
      'prices.b': 3,
      'prices.a': 3,
      'prices.a.dlq': 3,
      'prices.internal': 3,
      'prices.learned': 3,
      other: 9,
    })
    for (const pattern of [/^prices\./, /^prices\./g, /^prices\./y])
      expect(await findPriceTopics(admin, pattern, OURS)).toMatchObject({
        ok: true,
        topics: ['prices.a', 'prices.b'],
        partitions: 3,
      })
  })

  test('may have different numbers of partitions', async () => {
    const admin = await adminOf({ a: 3, b: 3, c: 7 })
    const counts = new Map(Object.entries({ a: 3, b: 3, c: 7 }))
    expect(await findPriceTopics(admin, ['a', 'b', 'c'], OURS)).toMatchObject({ ok: true, partitions: 7, counts })
  })

  test('that do not exist are refused with all their names', async () => {
    const admin = await adminOf({ a: 3 })
    expect(await findPriceTopics(admin, ['x', 'a', 'y'], OURS)).toMatchObject({
      ok: false,
      reason: expect.stringContaining('do not exist: x, y'),
    })
  })

  test('of which one is misspelt are refused with the one that was meant', async () => {
    const admin = await adminOf({ 'prices.exchange': 1 })
    expect(await findPriceTopics(admin, ['prices.exchnge'], OURS)).toMatchObject({
      reason: expect.stringContaining('did you mean prices.exchange? the cluster has prices.exchange'),
    })
  })

  test('given by a pattern that nothing matches are refused with the pattern', async () => {
    const admin = await adminOf({ a: 3 })
    expect(await findPriceTopics(admin, /^prices\./, OURS)).toEqual({
      ok: false,
      reason: expect.stringMatching(/^no topic matches PRICE_TOPICS \/\^prices\\\.\/; the cluster has a$/),
    })
  })
})

test('our own topics have as many partitions as the price topics, that of control records one; requests are kept for an hour, results for a day, of the others the newest', () => {
  const specs = ownTopics(
    { warmRequestsTopic: 'wr', warmResultsTopic: 'ws', correlationsTopic: 'c', controlTopic: 'fc' },
    12,
  )
  expect(specs).toEqual([
    { topic: 'wr', partitions: 12, config: { 'cleanup.policy': 'delete', 'retention.ms': '3600000' } },
    { topic: 'ws', partitions: 12, config: { 'cleanup.policy': 'delete', 'retention.ms': '86400000' } },
    { topic: 'c', partitions: 12, config: { 'cleanup.policy': 'compact', 'compression.type': 'zstd' } },
    { topic: 'fc', partitions: 1, config: { 'cleanup.policy': 'compact' } },
  ])
})

test('dead-letter topics have the partitions of their origin, and room for its largest record and some headers', async () => {
  const admin = await adminOf({ small: 4 })
  await admin.createTopics([{ topic: 'large', partitions: 4, config: { 'max.message.bytes': '5000000' } }])
  const specs = await deadLetterTopics(admin, {
    counts: new Map([
      ['large', 4],
      ['small', 3],
    ]),
  })
  expect(specs.map(({ topic, partitions }) => [topic, partitions])).toEqual([
    ['large.dlq', 4],
    ['small.dlq', 3],
  ])
  expect(specs[0]?.config).toEqual({ 'retention.ms': '1209600000', 'max.message.bytes': String(5_000_000 + 65_536) })
  expect(Number(specs[1]?.config?.['max.message.bytes'])).toBeGreaterThan(65_536 + 1_000_000)
})

test('the dead-letter topic of a topic whose settings may not be seen has room for the largest record by default', async () => {
  const admin = await adminOf({ prices: 4 })
  const forbidden = new BrokerError('not-authorized', 'DESCRIBE_CONFIGS', { retriable: false })
  const blind = Object.assign(Object.create(admin) as Admin, { topicConfig: () => Promise.reject(forbidden) })
  const [spec] = await deadLetterTopics(blind, { counts: new Map([['prices', 4]]) })
  expect(spec?.config?.['max.message.bytes']).toBe(String(1_048_588 + 65_536))
})

test('a dead-letter topic grows with its origin, and never shrinks', async () => {
  const admin = await adminOf({ prices: 4, 'prices.dlq': 2 })
  expect(await growDeadLetterTopic(admin, 'prices')).toEqual({ partitions: 4, hasGrown: true })
  expect(await growDeadLetterTopic(admin, 'prices')).toEqual({ partitions: 4, hasGrown: false })
  expect(await admin.partitions('prices.dlq')).toBe(4)
})

test('a dead-letter topic that does not exist is not made by its origin’s growth', async () => {
  const admin = await adminOf({ prices: 4 })
  expect(await growDeadLetterTopic(admin, 'prices')).toEqual({ partitions: 4, hasGrown: false })
  expect(await admin.partitions('prices.dlq')).toBeUndefined()
})
