import { describe, expect, test } from '@jest/globals'
import { encodePriceAvro } from '../../schemas/price-avro.ts'
import type { PriceUpdate } from '../../schemas/price-update.ts'
import { deadLetterTopic, pairKey } from '../../schemas/topics.ts'
import { createMemoryBroker } from '../../src/broker/memory/broker.ts'
import { BrokerError, type OutgoingRecord } from '../../src/broker/port.ts'
import { detector } from '../../src/detect/detector.ts'
import { until } from '../harness/until.ts'
import { get, metricValue } from './scrape.ts'
import { header, onStage, type Stage, updateOf } from './stage.ts'

const SECOND = 1000
const key = pairKey('ethereum', 'A')
const record = (value: string | Buffer | null, rest: Partial<OutgoingRecord> = {}): OutgoingRecord => ({
  partition: 0,
  key,
  value,
  ...rest,
})
const json = (rest: Record<string, unknown>) =>
  JSON.stringify({ pair: 'A', chain: 'ethereum', price: 1, eventTimeMs: Date.now(), ...rest })

/** Records that a feed may send by mistake, with the reason that the dead letter gives. */
const REFUSED: readonly (readonly [what: string, record: OutgoingRecord, reason: string])[] = [
  ['text that is not JSON', record('hello'), 'not-json'],
  ['truncated JSON', record(json({}).slice(0, -5)), 'not-json'],
  ['a truncated Avro record', record(encodePriceAvro(updateOf('A')).subarray(0, -3)), 'not-avro'],
  ['a number where a name belongs', record(json({ pair: 7 })), 'wrong-type'],
  ['a price that is no number', record(json({ price: 'cheap' })), 'wrong-type'],
  ['NaN', record('{"pair":"A","chain":"ethereum","price":NaN,"eventTimeMs":1}'), 'not-json'],
  ['NaN as text', record(json({ price: 'NaN' })), 'not-finite'],
  [
    'an infinite price',
    record(`{"pair":"A","chain":"ethereum","price":1e999,"eventTimeMs":${Date.now()}}`),
    'not-finite',
  ],
  ['a negative price', record(json({ price: -1 })), 'negative'],
  ['no pair', record(json({ pair: undefined })), 'missing-pair'],
  ['no chain', record(json({ chain: undefined })), 'missing-chain'],
  ['no price', record(json({ price: undefined })), 'missing-price'],
  ['no event time', record(json({ eventTimeMs: undefined })), 'missing-event-time'],
  ['a version that nobody knows', record(JSON.stringify({ v: 9, updates: [] })), 'unknown-version'],
  ['an event time in seconds', record(json({ eventTimeMs: Math.floor(Date.now() / SECOND) })), 'event-time-seconds'],
  ['an event time in the future', record(json({ eventTimeMs: Date.now() + 600 * SECOND })), 'event-time-future'],
  ['an event time of 0', record(json({ eventTimeMs: 0 })), 'event-time-zero'],
  ['a frame of two chains', record(`[${json({})},${json({ chain: 'base' })}]`), 'several-chains'],
  ['an empty batch', record('[]'), 'empty'],
  ['an empty batch with a version', record(JSON.stringify({ v: 1, updates: [] })), 'empty'],
  ['an empty value', record(Buffer.alloc(0)), 'empty'],
  ['a tombstone without a pair', record(null, { key: 'ethereum' }), 'bad-key'],
  ['a tombstone without a key', { partition: 0, value: null }, 'bad-key'],
  ['a tombstone with a key of 10 kB', record(null, { key: pairKey('ethereum', 'x'.repeat(10_000)) }), 'name-too-long'],
  ['a name of 10 kB', record(json({ pair: 'x'.repeat(10_000) })), 'name-too-long'],
]

async function handlesTheNext(stage: Stage, handled: readonly PriceUpdate[]): Promise<void> {
  const good = updateOf('GOOD')
  await stage.produce(good)
  await until('the next good record is handled', () => handled.includes(good) || handled.at(-1)?.pair === 'GOOD')
}

async function withDetector(body: (stage: Stage, handled: PriceUpdate[]) => Promise<void>): Promise<void> {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const handled: PriceUpdate[] = []
    await stage.startNode({ detectors: [detector('all', {}, (update) => void handled.push(update))] })
    await body(stage, handled)
  })
}

describe('an invalid record becomes a dead letter with its bytes and reason, and the next record is handled:', () => {
  test.each(REFUSED)('%s', async (_, bad, reason) => {
    await withDetector(async (stage, handled) => {
      await stage.produceRecords({ ...bad, headers: [['feed', Buffer.from('x')]] })
      await handlesTheNext(stage, handled)
      expect(handled).toHaveLength(1)
      const [letter] = await stage.deadLetters(1)
      expect(letter?.value).toEqual(bad.value === null ? undefined : Buffer.from(bad.value))
      expect(letter?.key).toEqual(bad.key === undefined ? undefined : Buffer.from(bad.key))
      if (letter === undefined) return
      expect(header(letter, 'feed')).toBe('x')
      expect(header(letter, 'forewarm-error-code')).toBe(reason)
      expect(header(letter, 'kafka_dlt-original-topic')).toBe(stage.topic)
      expect(header(letter, 'kafka_dlt-exception-message')).not.toBe('')
    })
  })
})

test('a node that is given a topic of foreign records is degraded and names the first, until it can read the topic', async () => {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const node = await stage.startNode()
    const checks = async (path: string) => {
      const { status, body } = await get(node, path)
      return [status, JSON.parse(body).checks.records]
    }
    const foreign = Array.from({ length: 30 }, () => record('{"p":1}'))
    await stage.produceRecords(...foreign)
    await stage.deadLetters(30)
    await until('all is committed', async () => (await stage.committed()) === 30)
    const degraded = {
      status: 'degraded',
      reason: `nearly all records of ${stage.topic} are refused; the first, at offset 0 of partition 0, is missing-pair`,
    }
    expect([await checks('/readyz'), await checks('/health/warming')]).toEqual([
      [200, degraded],
      [200, degraded],
    ])
    await stage.produce(...Array.from({ length: 40 }, (_, i) => updateOf(`P${i}`)))
    await until('all is committed', async () => (await stage.committed()) === 70)
    expect(await checks('/readyz')).toEqual([200, { status: 'ok' }])
  })
})

describe('a node accepts', () => {
  test('a key of 10 kB', async () => {
    await withDetector(async (stage, handled) => {
      await stage.produceRecords(record(json({ pair: 'B' }), { key: 'x'.repeat(10_000) }))
      await handlesTheNext(stage, handled)
      expect(handled.map(({ pair }) => pair)).toEqual(['B', 'GOOD'])
    })
  })

  test('a tombstone of an unknown pair', async () => {
    await withDetector(async (stage, handled) => {
      await stage.produceRecords(record(null, { key: pairKey('ethereum', 'NEVER') }))
      await handlesTheNext(stage, handled)
      expect((await stage.admin.offsets(deadLetterTopic(stage.topic)))[0]?.high).toBe(0n)
    })
  })

  test('numbers as decimal strings', async () => {
    await withDetector(async (stage, handled) => {
      await stage.produceRecords(record(json({ price: '1.25' })))
      await handlesTheNext(stage, handled)
      expect(handled[0]?.price).toBe(1.25)
    })
  })
})

test('an update whose sequence goes back is counted, and handled all the same', async () => {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const handled: PriceUpdate[] = []
    const node = await stage.startNode({ detectors: [detector('all', {}, (update) => void handled.push(update))] })
    const nowMs = Date.now()
    const given = [9, 3, 4].map((sequence, i) => updateOf('A', { sequence, eventTimeMs: nowMs + i }))
    await stage.produce(...given)
    await until('all are handled', () => handled.length === 3)
    expect(await metricValue(node, 'arbitrage_sequence_regressions_total')).toBe(1)
  })
})

test('the good records of a batch are handled despite the bad ones among them', async () => {
  await withDetector(async (stage, handled) => {
    const updates = Array.from({ length: 20 }, (_, i) => updateOf(`P${i % 3}`))
    const records = updates.flatMap((update, i) => [
      { partition: 0, key: pairKey('ethereum', update.pair), value: JSON.stringify(update) },
      (REFUSED[i] as (typeof REFUSED)[number])[1],
    ])
    await stage.produceRecords(...records)
    await until('all good ones are handled', () => handled.length === 20)
    expect(handled).toEqual(updates)
    await stage.deadLetters(20)
  })
})

test('thousands of bad records in a row all become dead letters', async () => {
  await withDetector(async (stage, handled) => {
    await stage.produceRecords(...Array.from({ length: 5_000 }, (_, i) => record(`bad ${i}`)))
    await handlesTheNext(stage, handled)
    const letters = await stage.deadLetters(5_000)
    expect(letters.map(({ value }) => String(value))).toEqual(Array.from({ length: 5_000 }, (_, i) => `bad ${i}`))
  })
})

test('a dead letter that the broker refuses at first is sent again', async () => {
  const broker = createMemoryBroker()
  await onStage({ broker }, async (stage) => {
    const handled: PriceUpdate[] = []
    await stage.startNode({ detectors: [detector('all', {}, (update) => void handled.push(update))] })
    const sent = stage.produceRecords(record('bad'))
    broker.fail(2, new BrokerError('unreachable', 'not enough replicas', { retriable: true }))
    await sent
    const [letter] = await stage.deadLetters(1)
    expect(letter && header(letter, 'forewarm-attempts')).toBe('3')
    await handlesTheNext(stage, handled)
  })
})

test('a dead letter that cannot be sent is counted, and the next record is handled', async () => {
  const broker = createMemoryBroker()
  await onStage({ broker }, async (stage) => {
    const handled: PriceUpdate[] = []
    const node = await stage.startNode({ detectors: [detector('all', {}, (update) => void handled.push(update))] })
    const sent = stage.produceRecords(record('bad'))
    broker.fail(1, new BrokerError('too-large', 'no', { retriable: false }))
    await sent
    const lost = () => metricValue(node, 'arbitrage_drops_total', { reason: 'dead-letter-failed' })
    await until('it is counted', async () => (await lost()) === 1)
    await handlesTheNext(stage, handled)
  })
})
