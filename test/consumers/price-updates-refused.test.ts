import { describe, expect, test } from '@jest/globals'
import { encodePriceAvro } from '../../schemas/price-avro.ts'
import { MAX_RECORD_BYTES, pairKey } from '../../schemas/topics.ts'
import { emptyPrice, VERSIONS_PER_MS } from '../../src/cache/cached-price.ts'
import type { Deletion, L2Write } from '../../src/cache/l2/l2.ts'
import { T0 } from '../cache/caches.ts'
import { cachedPrice } from '../cache/l2/columns.ts'
import { ControlledL2 } from '../cache/l2/controlled-l2.ts'
import { settled } from '../harness/manual-timer.ts'
import type { HandmadeRecord } from './batch.ts'
import { ConsumerStage, json, tombstone, update } from './price-updates-stage.ts'

describe('a refused record', () => {
  const cases: readonly (readonly [what: string, reason: string, record: HandmadeRecord])[] = [
    ['that is not JSON', 'not-json', { value: 'hello' }],
    ['that is truncated', 'not-json', { value: JSON.stringify(update('a')).slice(0, -2) }],
    ['of truncated Avro', 'not-avro', { value: encodePriceAvro(update('a')).subarray(0, -2) }],
    ['of another Avro schema', 'unknown-schema', { value: encodePriceAvro(update('a'), 7) }],
    [
      'of a schema that a header names',
      'unknown-schema',
      { value: '\x02a\x02b', headers: [['__value_schema_id', '\x01 and a GUID']] },
    ],
    ['of wrong types', 'wrong-type', json({ ...update('a'), price: {} })],
    ['with NaN', 'not-finite', json({ ...update('a'), price: 'NaN' })],
    ['with Infinity', 'not-finite', json({ ...update('a'), bid: 'Infinity' })],
    ['with a negative price', 'negative', json(update('a', { price: -1 }))],
    ['without a pair', 'missing-pair', json({ ...update('a'), pair: undefined })],
    ['of an unknown version', 'unknown-version', json({ v: 2, updates: [update('a')] })],
    ['of 5 MB', 'too-large', { value: JSON.stringify(update('a')).padEnd(5_000_000) }],
    ['without bytes', 'empty', { value: '' }],
    ['without updates', 'empty', json([])],
    ['with its time in seconds', 'event-time-seconds', json(update('a', { eventTimeMs: Math.floor(T0 / 1000) }))],
    ['from the future', 'event-time-future', json(update('a', { eventTimeMs: T0 + 60_001 }))],
    ['with the time 0', 'event-time-zero', json(update('a', { eventTimeMs: 0 }))],
    ['of two chains', 'several-chains', json([update('a'), update('b', { chain: 'base' })])],
    ['nested beyond the stack', 'unknown-version', { value: `{"v":${'['.repeat(50_000)}${']'.repeat(50_000)}}` }],
  ]

  test.each(cases)('%s becomes a dead letter, and the next one is handled', async (_, reason, record) => {
    const stage = new ConsumerStage()
    expect(await stage.handle(json(update('before')), record, json(update('after')))).toBe(3)
    expect(stage.reasons).toEqual([[1, reason]])
    expect(stage.letters[0]?.detail).not.toBe('')
    expect(stage.seen.map(({ pair }) => pair)).toEqual(['before', 'after'])
    expect(stage.faults).toEqual([])
  })

  test('leaves the records beside it as they are, with their groups', async () => {
    const stage = new ConsumerStage()
    const bad = [update('x', { group: 'stray' }), update('y', { price: -1 })]
    await stage.handle(json(update('before')), { value: encodePriceAvro(bad) }, json(update('after')))
    expect(stage.seen).toEqual([update('before'), update('after')])
  })

  test('with one update from the future is refused whole', async () => {
    const stage = new ConsumerStage()
    await stage.handle(json([update('a'), update('b', { eventTimeMs: T0 + 60_001 })]))
    expect([stage.reasons, stage.seen]).toEqual([[[0, 'event-time-future']], []])
  })
})

describe('an accepted record', () => {
  test('may be 1 MB and more', async () => {
    const stage = new ConsumerStage()
    const updates = Array.from({ length: 20_000 }, (_, i) => update(`p${i % 100}`, { price: i }))
    const value = JSON.stringify(updates)
    expect(value.length).toBeGreaterThan(1_000_000)
    await stage.handle({ value, timestampMs: T0 }, json(update('after')))
    expect([stage.seen.length, stage.letters]).toEqual([20_001, []])
    const largest = JSON.stringify(update('b')).padEnd(MAX_RECORD_BYTES)
    await stage.handle({ value: largest, timestampMs: T0 })
    expect(stage.seen.at(-1)?.pair).toBe('b')
  })

  test('may have a key of 10 kB, which means nothing', async () => {
    const stage = new ConsumerStage()
    await stage.handle({ ...json(update('a')), key: 'k'.repeat(10_000) })
    expect([stage.seen.length, stage.letters]).toEqual([1, []])
  })

  test('may lie a minute ahead of the clock', async () => {
    const stage = new ConsumerStage()
    await stage.handle(json(update('a', { eventTimeMs: T0 + 60_000 })))
    expect([stage.seen.length, stage.letters]).toEqual([1, []])
  })
})

/** Holds deletes back, so that a load that came before one is answered first, as in Redis. */
class HeldDeletes extends ControlledL2 {
  readonly held = Promise.withResolvers<void>()

  override async delete(deletions: readonly Deletion[]): Promise<L2Write> {
    await this.held.promise
    return super.delete(deletions)
  }
}

describe('a tombstone', () => {
  test('forgets its pair everywhere, and its last value does not come back', async () => {
    const stage = new ConsumerStage()
    await stage.handle(json(update('a')), json(update('b')))
    await stage.caches.writeBehind.flush()
    await stage.handle(json(update('a', { price: 2 })), tombstone('a'))
    const pairId = stage.caches.table.find('ethereum', 'a')
    expect([stage.price('a'), stage.price('b')]).toEqual([undefined, 1])
    expect(await stage.caches.l2.load([pairId])).toEqual({ status: 'loaded', rows: [undefined] })
    expect(stage.caches.writeBehind.pending(pairId, emptyPrice())).toBe(false)
    expect(stage.caches.tracker.totalPairs).toBe(1)
    expect(stage.caches.count('pairs_delisted_total')).toBe(1)
  })

  test('may be followed by a new listing', async () => {
    const stage = new ConsumerStage()
    await stage.handle(json(update('a')), tombstone('a'), json(update('a', { price: 3 })))
    expect([stage.price('a'), stage.seen.length]).toEqual([3, 2])
  })

  test('of an unknown pair is counted and is no fault', async () => {
    const stage = new ConsumerStage()
    await stage.handle(tombstone('never'), json(update('after')))
    expect([stage.letters, stage.seen.length, stage.caches.count('pairs_delisted_total')]).toEqual([[], 1, 1])
  })

  test('of a pair that is being loaded keeps the old value of L2 out of L1', async () => {
    const l2 = new HeldDeletes()
    const stage = new ConsumerStage({ l2, detect: (_, prices) => void prices.getOrLoad('ethereum', 'a') })
    await stage.handle(json(update('reads a')))
    await settled()
    expect(l2.loads).toHaveLength(1)
    const delisted = stage.handle(tombstone('a'))
    await settled()
    await l2.loads[0]?.answer([cachedPrice({ version: T0 * VERSIONS_PER_MS })])
    l2.held.resolve()
    await delisted
    expect([l2.deleted, stage.price('a')]).toEqual([[stage.caches.table.find('ethereum', 'a')], undefined])
  })

  test('that does not reach L2 waits for it, and holds up nothing', async () => {
    const stage = new ConsumerStage()
    await stage.handle(json(update('a')))
    await stage.caches.l2.close()
    await stage.handle(tombstone('a'), json(update('after')))
    expect(stage.caches.deletions.pending).toBe(1)
    expect(stage.seen.at(-1)?.pair).toBe('after')
  })

  test.each([
    ['no key', 'bad-key', undefined],
    ['a key without a pair', 'bad-key', 'ethereum'],
    ['a key without a chain', 'bad-key', '\0a'],
    ['a key of 10 kB', 'name-too-long', pairKey('ethereum', 'k'.repeat(10_000))],
    ['a chain of 10 kB', 'name-too-long', pairKey('k'.repeat(10_000), 'a')],
    ['three parts', 'bad-name', 'ethereum\0a\0b'],
    ['a key that is no UTF-8', 'bad-key', Buffer.from([0xff, 0x00, 0xfe])],
  ])('with %s becomes a dead letter', async (_, reason, key) => {
    const stage = new ConsumerStage()
    await stage.handle({ value: null, ...(key !== undefined && { key }) }, json(update('after')))
    expect([stage.reasons, stage.seen.length]).toEqual([[[0, reason]], 1])
    expect(stage.caches.count('pairs_delisted_total')).toBe(0)
  })
})
