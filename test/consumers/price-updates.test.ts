import { describe, expect, test } from '@jest/globals'
import { createLoop, type DeadLetter } from '../../consumers/loop.ts'
import { PriceUpdates } from '../../consumers/price-updates.ts'
import { encodePriceAvro } from '../../schemas/price-avro.ts'
import type { PriceUpdate } from '../../schemas/price-update.ts'
import { MAX_RECORD_BYTES, pairKey } from '../../schemas/topics.ts'
import { emptyRecord } from '../../src/cache/price-record.ts'
import { type Clock, virtualClock } from '../../src/clock.ts'
import { type DetectorFunction, detector } from '../../src/detect/detector.ts'
import { DetectorRunner } from '../../src/detect/runner.ts'
import { LookAhead } from '../../src/warming/look-ahead.ts'
import { T0, TestCaches } from '../detect/caches.ts'
import { settled } from '../harness/manual-timer.ts'
import { batchOf, type HandmadeRecord, newContext } from './batch.ts'

interface StageOptions {
  readonly slots?: number
  readonly maxPairs?: number
  readonly detect?: DetectorFunction
  readonly concurrency?: number
  /** The caches' own virtual clock unless given. */
  readonly clock?: Clock
  readonly onTrigger?: (pairId: number) => void
}

const TIMEOUT_MS = 1000

/** The consumer of the price topics with all that it feeds, batches handed to it by hand. */
class Stage {
  readonly caches: TestCaches
  readonly seen: PriceUpdate[] = []
  readonly letters: DeadLetter[] = []
  readonly faults: unknown[] = []
  readonly failed: string[] = []
  readonly looked: number[][] = []
  readonly context = newContext()
  readonly run: ReturnType<typeof createLoop>

  constructor(options: StageOptions = {}) {
    this.caches = new TestCaches({ slots: options.slots ?? 1000, maxPairs: options.maxPairs ?? 1000 })
    const { caches } = this
    const { metrics, l1, tracker, timer } = caches
    const note: DetectorFunction = (update, prices) => {
      this.seen.push(update)
      return options.detect?.(update, prices)
    }
    const runner = new DetectorRunner({
      detectors: [detector('noting', {}, note)],
      sources: caches.sources,
      concurrency: options.concurrency ?? 64,
      timeoutMs: TIMEOUT_MS,
      ...{ metrics, timer: timer.start },
      onFailure: ({ pair }) => this.failed.push(pair),
    })
    const promote = async (pairIds: readonly number[]) => this.looked.push([...pairIds])
    const deadLetters = async (letter: DeadLetter) => {
      this.letters.push(letter)
    }
    const handler = new PriceUpdates({
      ...caches,
      clock: options.clock ?? { now: () => caches.clock.now() },
      runner,
      lookAhead: () => new LookAhead({ tracker, l1, metrics, mode: 'await', timeoutMs: 2, minRate: 0.2, promote }),
      deadLetters,
      onTrigger: options.onTrigger,
    })
    this.run = createLoop({
      handlerOf: (topic, partition) => handler.lane(topic, partition),
      deadLetters,
      onFault: (error) => this.faults.push(error),
    })
  }

  handle(...records: HandmadeRecord[]): Promise<number> {
    return this.run(batchOf(records), this.context)
  }

  price(pair: string): number | undefined {
    const record = emptyRecord()
    const pairId = this.caches.table.find('ethereum', pair)
    return pairId >= 0 && this.caches.l1.peek(pairId, record) ? record.price : undefined
  }

  get reasons(): [index: number, reason: string][] {
    return this.letters.map(({ index, reason }) => [index, reason])
  }
}

function update(pair: string, fields: Partial<PriceUpdate> = {}): PriceUpdate {
  return { pair, chain: 'ethereum', price: 1, eventTimeMs: T0, ...fields }
}

function json(of: unknown): HandmadeRecord {
  return { value: JSON.stringify(of), timestampMs: T0 }
}

const tombstone = (pair: string, chain = 'ethereum'): HandmadeRecord => ({
  value: null,
  key: pairKey(chain, pair),
  timestampMs: T0,
})

describe('an update', () => {
  test('goes to L1, to L2 behind, to the tracker and to the detectors, as it came', async () => {
    const triggered: number[] = []
    const stage = new Stage({ onTrigger: (pairId) => triggered.push(pairId) })
    const given = update('a', { price: 2, bid: 1.5, liquidity: 7, sequence: 3, group: 'g' })
    expect(await stage.handle(json(given))).toBe(1)
    expect(stage.seen).toEqual([given])
    expect(stage.price('a')).toBe(2)
    expect(stage.caches.writeBehind.pendingEntries).toBe(1)
    expect([stage.caches.tracker.totalUpdates, triggered]).toEqual([1, [0]])
    expect(stage.caches.count('price_updates_total', { chain: 'ethereum' })).toBe(1)
  })

  test('comes alone, in a list, in a frame or in Avro', async () => {
    const stage = new Stage()
    const updates = ['a', 'b', 'c', 'd', 'e'].map((pair) => update(pair))
    const [a, b, c, d, e] = updates
    const avro = encodePriceAvro([d as PriceUpdate, e as PriceUpdate])
    await stage.handle(json(a), json([b]), json({ v: 1, updates: [c] }), { value: avro, timestampMs: T0 })
    expect(stage.seen).toEqual(updates)
  })

  test('of a pair in the same millisecond is the newer one, whatever its price', async () => {
    const stage = new Stage()
    await stage.handle(json([update('a', { price: 1 }), update('a', { price: 2 })]), json(update('a', { price: 3 })))
    expect([stage.price('a'), stage.seen.length]).toEqual([3, 3])
  })

  test('that is older than what the pair has is counted, and nobody sees it', async () => {
    const stage = new Stage()
    await stage.handle(json(update('a', { price: 1 })), json(update('a', { price: 2, eventTimeMs: T0 - 1 })))
    expect([stage.price('a'), stage.seen.length]).toEqual([1, 1])
    expect(stage.caches.count('drops_total', { reason: 'older' })).toBe(1)
  })

  test('beyond 4,096 of a pair in one millisecond is counted, and nobody sees it', async () => {
    const stage = new Stage()
    await stage.handle(json(Array.from({ length: 4097 }, (_, price) => update('a', { price }))))
    expect([stage.price('a'), stage.seen.length]).toEqual([4095, 4096])
    expect(stage.caches.count('drops_total', { reason: 'too-many-in-one-ms' })).toBe(1)
  })

  test('whose sequence goes back is counted and handled', async () => {
    const stage = new Stage({ maxPairs: 3000 })
    for (let i = 0; i < 2000; i++) stage.caches.table.register('base', `filler-${i}`)
    await stage.handle(...[5, 6, 2, 3].map((sequence) => json(update('a', { sequence }))))
    expect(stage.seen).toHaveLength(4)
    expect(stage.caches.count('sequence_regressions_total')).toBe(1)
  })

  test('is sampled with the time from its event to L1, once a window, and not where there is none', async () => {
    const stage = new Stage({ clock: { now: () => T0 + 40 } })
    const latency = stage.caches.metrics.histogram('end_to_end_latency_seconds')
    await stage.handle({ value: 'bad' }, tombstone('never'))
    expect(latency.count).toBe(0)
    await stage.handle(json(update('a')), json(update('b')))
    expect([latency.count, latency.sum]).toEqual([1, 0.04])
  })
})

describe('a record that is refused', () => {
  const cases: readonly (readonly [what: string, reason: string, record: HandmadeRecord])[] = [
    ['not JSON', 'not-json', { value: 'hello' }],
    ['truncated', 'not-json', { value: JSON.stringify(update('a')).slice(0, -2) }],
    ['truncated Avro', 'not-avro', { value: encodePriceAvro(update('a')).subarray(0, -2) }],
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

  test.each(cases)('%s becomes a dead letter, and the next is handled', async (_, reason, record) => {
    const stage = new Stage()
    expect(await stage.handle(json(update('before')), record, json(update('after')))).toBe(3)
    expect(stage.reasons).toEqual([[1, reason]])
    expect(stage.letters[0]?.detail).not.toBe('')
    expect(stage.seen.map(({ pair }) => pair)).toEqual(['before', 'after'])
    expect(stage.faults).toEqual([])
  })

  test('leaves the records beside it as they are, groups and all', async () => {
    const stage = new Stage()
    const bad = [update('x', { group: 'stray' }), update('y', { price: -1 })]
    await stage.handle(json(update('before')), { value: encodePriceAvro(bad) }, json(update('after')))
    expect(stage.seen).toEqual([update('before'), update('after')])
  })

  test('for want of room for its pairs hands none of its updates to its neighbours', async () => {
    const stage = new Stage({ maxPairs: 3 })
    const many = ['x', 'y', 'z'].map((pair) => update(pair))
    await stage.handle(json(update('before')), json(many), json(update('before', { price: 2 })))
    expect(stage.reasons).toEqual([[1, 'too-many-pairs']])
    expect(stage.seen.map(({ pair, price }) => [pair, price])).toEqual([
      ['before', 1],
      ['before', 2],
    ])
  })

  test('for one update from the future is refused whole', async () => {
    const stage = new Stage()
    await stage.handle(json([update('a'), update('b', { eventTimeMs: T0 + 60_001 })]))
    expect([stage.reasons, stage.seen]).toEqual([[[0, 'event-time-future']], []])
  })
})

describe('a record that is taken', () => {
  test('may be 1 MB and more', async () => {
    const stage = new Stage()
    const updates = Array.from({ length: 20_000 }, (_, i) => update(`p${i % 100}`, { price: i }))
    const value = JSON.stringify(updates)
    expect(value.length).toBeGreaterThan(1_000_000)
    await stage.handle({ value, timestampMs: T0 }, json(update('after')))
    expect([stage.seen.length, stage.letters]).toEqual([20_001, []])
    const largest = JSON.stringify(update('b')).padEnd(MAX_RECORD_BYTES)
    await stage.handle({ value: largest, timestampMs: T0 })
    expect(stage.seen.at(-1)?.pair).toBe('b')
  })

  test('may have a key of 10 kB, whose bytes say nothing', async () => {
    const stage = new Stage()
    await stage.handle({ ...json(update('a')), key: 'k'.repeat(10_000) })
    expect([stage.seen.length, stage.letters]).toEqual([1, []])
  })

  test('may lie a minute ahead of the clock', async () => {
    const stage = new Stage()
    await stage.handle(json(update('a', { eventTimeMs: T0 + 60_000 })))
    expect([stage.seen.length, stage.letters]).toEqual([1, []])
  })
})

describe('a tombstone', () => {
  test('forgets its pair everywhere, and its last value does not come back', async () => {
    const stage = new Stage()
    await stage.handle(json(update('a')), json(update('b')))
    await stage.caches.writeBehind.flush()
    await stage.handle(json(update('a', { price: 2 })), tombstone('a'))
    const pairId = stage.caches.table.find('ethereum', 'a')
    expect([stage.price('a'), stage.price('b')]).toEqual([undefined, 1])
    expect(await stage.caches.l2.load([pairId])).toEqual({ status: 'loaded', rows: [undefined] })
    expect(stage.caches.writeBehind.pending(pairId, emptyRecord())).toBe(false)
    expect(stage.caches.tracker.totalPairs).toBe(1)
    expect(stage.caches.count('pairs_delisted_total')).toBe(1)
  })

  test('may be followed by a new listing', async () => {
    const stage = new Stage()
    await stage.handle(json(update('a')), tombstone('a'), json(update('a', { price: 3 })))
    expect([stage.price('a'), stage.seen.length]).toEqual([3, 2])
  })

  test('of a pair that nobody knows is counted and no fault', async () => {
    const stage = new Stage()
    await stage.handle(tombstone('never'), json(update('after')))
    expect([stage.letters, stage.seen.length, stage.caches.count('pairs_delisted_total')]).toEqual([[], 1, 1])
  })

  test('that L2 does not hear of is counted', async () => {
    const stage = new Stage()
    await stage.handle(json(update('a')))
    await stage.caches.l2.close()
    await stage.handle(tombstone('a'), json(update('after')))
    expect(stage.caches.count('drops_total', { reason: 'l2-delete' })).toBe(1)
    expect(stage.seen.at(-1)?.pair).toBe('after')
  })

  test.each([
    ['no key', 'bad-key', undefined],
    ['a key without a pair', 'bad-key', 'ethereum'],
    ['a key without a chain', 'bad-key', '\0a'],
    ['a key of 10 kB', 'name-too-long', pairKey('ethereum', 'k'.repeat(10_000))],
    ['a chain of 10 kB', 'name-too-long', pairKey('k'.repeat(10_000), 'a')],
    ['three parts', 'bad-name', 'ethereum\0a\0b'],
  ])('with %s becomes a dead letter', async (_, reason, key) => {
    const stage = new Stage()
    await stage.handle({ value: null, ...(key !== undefined && { key }) }, json(update('after')))
    expect([stage.reasons, stage.seen.length]).toEqual([[[0, reason]], 1])
    expect(stage.caches.count('pairs_delisted_total')).toBe(0)
  })
})

describe('a fault of ours', () => {
  test('costs the record that it happens in and no other', async () => {
    const stage = new Stage({
      onTrigger: (pairId) => {
        if (stage.caches.table.pairName(pairId) === 'boom') throw new Error('a bug')
      },
    })
    const pairs = ['a', 'b', 'boom', 'c', 'd']
    expect(await stage.handle(...pairs.map((pair) => json(update(pair))))).toBe(5)
    expect(stage.reasons).toEqual([[2, 'handler-fault']])
    expect([...new Set(stage.seen.map(({ pair }) => pair))]).toEqual(pairs)
  })

  test('in the decoder, too', async () => {
    const stage = new Stage()
    const { table } = stage.caches
    const registerBytes = table.registerBytes.bind(table)
    table.registerBytes = (chainId, source, start, end) => {
      if (Buffer.from(source.subarray(start, end)).toString() === 'boom') throw new Error('a bug')
      return registerBytes(chainId, source, start, end)
    }
    await stage.handle(...['a', 'b', 'boom', 'c'].map((pair) => json(update(pair))))
    expect(stage.reasons).toEqual([[2, 'handler-fault']])
    expect(stage.seen.map(({ pair }) => pair)).toEqual(['a', 'b', 'c'])
  })
})

describe('a batch', () => {
  test('of many windows is handled whole and in order', async () => {
    const stage = new Stage()
    const updates = Array.from({ length: 3000 }, (_, i) => update(`p${i % 7}`, { price: i }))
    expect(await stage.handle(...updates.map(json))).toBe(3000)
    expect(stage.seen).toEqual(updates)
  })

  test('without records is done', async () => {
    expect(await new Stage().handle()).toBe(0)
  })

  test('of refused records and tombstones only is done', async () => {
    const stage = new Stage()
    const records = Array.from({ length: 2000 }, (_, i) => (i % 2 === 0 ? { value: 'bad' } : tombstone('never')))
    expect(await stage.handle(...records)).toBe(2000)
    expect(stage.letters).toHaveLength(1000)
  })

  test('whose partition is taken away is done as far as it came', async () => {
    const stage = new Stage({
      detect: ({ pair }) => {
        if (pair === 'p10') stage.context.abort()
      },
    })
    expect(await stage.handle(...Array.from({ length: 100 }, (_, i) => json(update(`p${i}`))))).toBe(11)
    expect(stage.seen).toHaveLength(11)
  })

  test('is not done before the handlers of its updates are', async () => {
    const gate = Promise.withResolvers<void>()
    const stage = new Stage({ detect: () => gate.promise })
    let done = 0
    const handled = stage.handle(json(update('a')), json(update('b'))).then((records) => {
      done = records
    })
    await settled()
    expect([stage.seen.length, done]).toEqual([2, 0])
    gate.resolve()
    await handled
    expect(done).toBe(2)
  })

  test('of one partition does not disturb that of another whose handlers it waits for', async () => {
    const gates: (() => void)[] = []
    const stage = new Stage({ concurrency: 1, detect: () => new Promise((resolve) => gates.push(resolve)) })
    const batches = [0, 1, 2].map((partition) => {
      const records = Array.from({ length: 20 }, (_, i) => json(update(`${partition}-${i}`, { price: partition })))
      return stage.run(batchOf(records, { partition }), stage.context)
    })
    while (stage.seen.length < 60) {
      for (const open of gates.splice(0)) open()
      await settled()
    }
    for (const open of gates.splice(0)) open()
    expect(await Promise.all(batches)).toEqual([20, 20, 20])
    expect(new Set(stage.seen.map(({ pair }) => pair)).size).toBe(60)
    expect(stage.seen.every(({ pair, price }) => pair.startsWith(`${price}-`))).toBe(true)
    const first = stage.seen.filter(({ price }) => price === 0).map(({ pair }) => pair)
    expect(first).toEqual(Array.from({ length: 20 }, (_, i) => `0-${i}`))
  })
})

describe('a detector', () => {
  test('that throws costs nothing but its own count', async () => {
    const stage = new Stage({
      detect: ({ pair }) => {
        if (pair === 'a') throw new Error('boom')
      },
    })
    expect(await stage.handle(json(update('a')), json(update('b')))).toBe(2)
    expect([stage.failed, stage.letters, stage.seen.length]).toEqual([['a'], [], 2])
  })

  test.each([
    ['records', (updates: PriceUpdate[]) => updates.map(json)],
    ['one large frame', (updates: PriceUpdate[]) => [json(updates)]],
  ])('that never settles is given up in its time, and shows signs of life from within %s', async (_, recordsOf) => {
    const stage = new Stage({ concurrency: 2, detect: () => new Promise(() => undefined) })
    const records = recordsOf(Array.from({ length: 10 }, (_, i) => update(`p${i}`)))
    const handled = stage.handle(...records)
    await stage.caches.timer.advance(TIMEOUT_MS)
    expect(stage.failed).toEqual(['p0', 'p1'])
    expect(stage.context.heartbeats).toBeGreaterThan(0)
    await stage.caches.timer.advance(TIMEOUT_MS * 4)
    expect(await handled).toBe(records.length)
    expect(stage.failed).toHaveLength(10)
  })

  test('reads what the updates before its own brought', async () => {
    const read: unknown[] = []
    const stage = new Stage({
      detect: ({ pair }, prices) => {
        if (pair === 'b') read.push(prices.get('ethereum', 'a'))
      },
    })
    await stage.handle(json([update('a', { price: 5 }), update('b')]))
    expect(read).toEqual([expect.objectContaining({ price: 5, ageMs: 0 })])
  })
})

describe('the look-ahead', () => {
  test('sees the updates of a window before the first of them is handled', async () => {
    const stage = new Stage({
      slots: 20,
      detect: async ({ pair }, prices) => {
        if (pair.startsWith('p')) await prices.getMany('ethereum', [`s-${pair}`])
      },
    })
    const records = ['p1', 'p2', 'p3'].map((pair) => json(update(pair)))
    await stage.handle(...records)
    expect(stage.looked).toEqual([])
    await stage.handle(...records)
    const names = stage.looked.map((pairIds) => pairIds.map((pairId) => stage.caches.table.pairName(pairId)))
    expect(names).toEqual([['s-p1', 's-p2', 's-p3']])
  })
})

describe('when every row to L2 is taken', () => {
  test('the next update waits for a free one', async () => {
    const stage = new Stage({ maxPairs: 4 })
    const pairs = ['a', 'b', 'c', 'd', 'a', 'b']
    expect(await stage.handle(...pairs.map((pair, price) => json(update(pair, { price }))))).toBe(6)
    await stage.caches.writeBehind.flush()
    expect(await stage.caches.l2.load([0, 1, 2, 3])).toMatchObject({
      rows: [{ price: 4 }, { price: 5 }, { price: 2 }, { price: 3 }],
    })
    expect(stage.caches.writeBehind.skipped).toBe(0)
  })
})

describe('in a replay', () => {
  test('the clock is what the records say, record by record, and never goes back', async () => {
    const clock = virtualClock()
    const stage = new Stage({ clock })
    const at = (ms: number, record: HandmadeRecord) => ({ ...record, timestampMs: T0 + ms })
    await stage.handle(
      at(0, json(update('a', { eventTimeMs: T0 - 30 }))),
      at(500, json(update('b', { eventTimeMs: T0 + 60_500 }))),
      at(100, json(update('c', { eventTimeMs: T0 + 60_501 }))),
    )
    expect(clock.now()).toBe(T0 + 500)
    expect(stage.seen.map(({ pair }) => pair)).toEqual(['a', 'b'])
    expect(stage.reasons).toEqual([[2, 'event-time-future']])
    expect(stage.caches.metrics.histogram('end_to_end_latency_seconds').sum).toBe(0.03)
  })
})
