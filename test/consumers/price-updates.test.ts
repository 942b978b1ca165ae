import { describe, expect, test } from '@jest/globals'
import { encodePriceAvro } from '../../schemas/price-avro.ts'
import type { PriceUpdate } from '../../schemas/price-update.ts'
import { virtualClock } from '../../src/clock.ts'
import { T0 } from '../cache/caches.ts'
import { settled } from '../harness/manual-timer.ts'
import { batchOf, type HandmadeRecord } from './batch.ts'
import { ConsumerStage, json, TIMEOUT_MS, tombstone, update } from './price-updates-stage.ts'

/** The pairs whose updates come to the tracker, in their order. The tracker throws for `boom`. */
function tracked({ caches: { table, tracker } }: ConsumerStage): readonly string[] {
  const pairs: string[] = []
  const observe = tracker.observe.bind(tracker)
  tracker.observe = (pairId, ...rest) => {
    pairs.push(table.pairName(pairId))
    if (table.pairName(pairId) === 'boom') throw new Error('a bug')
    observe(pairId, ...rest)
  }
  return pairs
}

describe('an update', () => {
  test('goes unchanged to L1, to the write-behind, to the tracker and to the detectors', async () => {
    const triggered: number[] = []
    const stage = new ConsumerStage({ onTrigger: (pairId) => triggered.push(pairId) })
    const given = update('a', { price: 2, bid: 1.5, liquidity: 7, sequence: 3, group: 'g' })
    expect(await stage.handle(json(given))).toBe(1)
    expect(stage.seen).toEqual([given])
    expect(stage.price('a')).toBe(2)
    expect(stage.caches.writeBehind.pendingEntries).toBe(1)
    expect([stage.caches.tracker.totalUpdates, triggered]).toEqual([1, [0]])
    expect(stage.caches.count('price_updates_total', { chain: 'ethereum' })).toBe(1)
  })

  test('asks for warms before its handlers run', async () => {
    const seenBefore: number[] = []
    const stage = new ConsumerStage({ onTrigger: () => seenBefore.push(stage.seen.length) })
    await stage.handle(json(update('a')), json(update('b')))
    expect([seenBefore, stage.seen.length]).toEqual([[0, 1], 2])
  })

  test('may come alone, in a list, in a frame or in Avro', async () => {
    const stage = new ConsumerStage()
    const updates = ['a', 'b', 'c', 'd', 'e'].map((pair) => update(pair))
    const [a, b, c, d, e] = updates
    const avro = encodePriceAvro([d as PriceUpdate, e as PriceUpdate])
    await stage.handle(json(a), json([b]), json({ v: 1, updates: [c] }), { value: avro, timestampMs: T0 })
    expect(stage.seen).toEqual(updates)
  })

  test('in the same millisecond as the last one of its pair is the newer one, whatever its price', async () => {
    const stage = new ConsumerStage()
    await stage.handle(json([update('a', { price: 1 }), update('a', { price: 2 })]), json(update('a', { price: 3 })))
    expect([stage.price('a'), stage.seen.length]).toEqual([3, 3])
  })

  test('that is older than the last one of its pair is counted and dropped', async () => {
    const stage = new ConsumerStage()
    await stage.handle(json(update('a', { price: 1 })), json(update('a', { price: 2, eventTimeMs: T0 - 1 })))
    expect([stage.price('a'), stage.seen.length]).toEqual([1, 1])
    expect(stage.caches.count('drops_total', { reason: 'older' })).toBe(1)
  })

  test('beyond 4,096 of a pair in one millisecond is counted and dropped', async () => {
    const stage = new ConsumerStage()
    await stage.handle(json(Array.from({ length: 4097 }, (_, price) => update('a', { price }))))
    expect([stage.price('a'), stage.seen.length]).toEqual([4095, 4096])
    expect(stage.caches.count('drops_total', { reason: 'too-many-in-one-ms' })).toBe(1)
  })

  test('whose sequence goes back is counted and handled', async () => {
    const stage = new ConsumerStage({ maxPairs: 3000 })
    for (let i = 0; i < 2000; i++) stage.caches.table.register('base', `filler-${i}`)
    await stage.handle(...[5, 6, 2, 3].map((sequence, i) => json(update('a', { sequence, eventTimeMs: T0 + i }))))
    expect(stage.seen).toHaveLength(4)
    expect(stage.caches.count('sequence_regressions_total')).toBe(1)
  })

  test('is measured from its event to L1 once in a window, and never in a window without updates', async () => {
    const stage = new ConsumerStage({ clock: { now: () => T0 + 40 } })
    const latency = stage.caches.metrics.histogram('end_to_end_latency_seconds')
    await stage.handle({ value: 'bad' }, tombstone('never'))
    expect(latency.count).toBe(0)
    await stage.handle(json(update('a')), json(update('b')))
    expect([latency.count, latency.sum]).toEqual([1, 0.04])
  })
})

describe('a fault of ours', () => {
  test('costs the record in which it happens and no other', async () => {
    const stage = new ConsumerStage()
    tracked(stage)
    const pairs = ['a', 'b', 'boom', 'c', 'd']
    expect(await stage.handle(...pairs.map((pair) => json(update(pair))))).toBe(5)
    expect(stage.reasons).toEqual([[2, 'handler-fault']])
    expect(stage.seen.map(({ pair }) => pair)).toEqual(['a', 'b', 'c', 'd'])
  })

  test('within a frame does not repeat the updates before it', async () => {
    const stage = new ConsumerStage()
    const handled = tracked(stage)
    await stage.handle(json(update('a')), json([update('b'), update('boom'), update('c')]), json(update('d')))
    expect(stage.reasons).toEqual([[1, 'handler-fault']])
    expect(handled).toEqual(['a', 'b', 'boom', 'd'])
    expect(stage.caches.count('drops_total', { reason: 'redelivered' })).toBe(0)
  })

  test('in a trigger is reported, and costs no detector its update', async () => {
    const bug = new Error('a bug')
    const stage = new ConsumerStage({
      onTrigger: () => {
        throw bug
      },
    })
    await stage.handle(json(update('a')), json([update('b'), update('c')]))
    expect([stage.seen.length, stage.letters, stage.warmFaults]).toEqual([3, [], [bug, bug, bug]])
  })

  test('in the look-ahead is reported, and costs no detector its update', async () => {
    const bug = new Error('a bug')
    const stage = new ConsumerStage()
    stage.caches.tracker.hasEdges = true
    stage.caches.tracker.readsAfter = () => {
      throw bug
    }
    await stage.handle(json(update('a')), json(update('b')))
    expect([stage.seen.length, stage.letters, stage.warmFaults]).toEqual([2, [], [bug, bug]])
  })

  test('in the decoder costs its record and no other', async () => {
    const stage = new ConsumerStage()
    const { table } = stage.caches
    const registerBytes = table.registerBytes.bind(table)
    table.registerBytes = (chainId, source, start, end) => {
      if (Buffer.from(source.buffer, source.byteOffset + start, end - start).toString() === 'boom')
        throw new Error('a bug')
      return registerBytes(chainId, source, start, end)
    }
    await stage.handle(...['a', 'b', 'boom', 'c'].map((pair) => json(update(pair))))
    expect(stage.reasons).toEqual([[2, 'handler-fault']])
    expect(stage.seen.map(({ pair }) => pair)).toEqual(['a', 'b', 'c'])
  })
})

describe('a batch', () => {
  test('of many windows is handled whole and in order', async () => {
    const stage = new ConsumerStage()
    const updates = Array.from({ length: 3000 }, (_, i) => update(`p${i % 7}`, { price: i }))
    expect(await stage.handle(...updates.map(json))).toBe(3000)
    expect(stage.seen).toEqual(updates)
  })

  test('without records is done at once', async () => {
    expect(await new ConsumerStage().handle()).toBe(0)
  })

  test('of refused records and tombstones only is done whole', async () => {
    const stage = new ConsumerStage()
    const records = Array.from({ length: 2000 }, (_, i) => (i % 2 === 0 ? { value: 'bad' } : tombstone('never')))
    expect(await stage.handle(...records)).toBe(2000)
    expect(stage.letters).toHaveLength(1000)
  })

  test('whose partition is taken away is done as far as it came', async () => {
    const stage = new ConsumerStage({
      detect: ({ pair }) => {
        if (pair === 'p10') stage.context.abort()
      },
    })
    expect(await stage.handle(...Array.from({ length: 100 }, (_, i) => json(update(`p${i}`))))).toBe(11)
    expect(stage.seen).toHaveLength(11)
  })

  test('is not done before the handlers of its updates are', async () => {
    const gate = Promise.withResolvers<void>()
    const stage = new ConsumerStage({ detect: () => gate.promise })
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

  test('of one partition does not disturb those of others while it waits for handlers', async () => {
    const gates: (() => void)[] = []
    const stage = new ConsumerStage({ concurrency: 1, detect: () => new Promise((resolve) => gates.push(resolve)) })
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
  test('that throws is counted, and no record is lost', async () => {
    const stage = new ConsumerStage({
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
  ])('that never settles is given up in time, and the batch sends heartbeats meanwhile: %s', async (_, recordsOf) => {
    const stage = new ConsumerStage({ concurrency: 2, detect: () => new Promise(() => undefined) })
    const records = recordsOf(Array.from({ length: 10 }, (_, i) => update(`p${i}`)))
    const handled = stage.handle(...records)
    await stage.caches.timer.advance(TIMEOUT_MS)
    expect(stage.failed).toEqual(['p0', 'p1'])
    expect(stage.context.heartbeats).toBeGreaterThan(0)
    await stage.caches.timer.advance(TIMEOUT_MS * 4)
    expect(await handled).toBe(records.length)
    expect(stage.failed).toHaveLength(10)
  })

  test('reads the prices of the updates before its own', async () => {
    const read: unknown[] = []
    const stage = new ConsumerStage({
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
    const stage = new ConsumerStage({
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

describe('an update that finds every row of the write-behind taken', () => {
  test.each([
    ['in records', (updates: PriceUpdate[]) => updates.map(json)],
    ['in one frame', (updates: PriceUpdate[]) => [json(updates)]],
  ])('waits for a free one and sends heartbeats meanwhile: %s', async (_, recordsOf) => {
    const stage = new ConsumerStage({ maxPairs: 4 })
    const pairs = ['a', 'b', 'c', 'd', 'a', 'b']
    const records = recordsOf(pairs.map((pair, price) => update(pair, { price })))
    expect(await stage.handle(...records)).toBe(records.length)
    expect(stage.context.heartbeats).toBeGreaterThan(0)
    await stage.caches.writeBehind.flush()
    expect(await stage.caches.l2.load([0, 1, 2, 3])).toMatchObject({
      rows: [{ price: 4 }, { price: 5 }, { price: 2 }, { price: 3 }],
    })
    expect(stage.caches.writeBehind.skipped).toBe(0)
  })
})

describe('the clock of a replay', () => {
  test('follows the timestamps of the records, one by one, and never goes back', async () => {
    const clock = virtualClock()
    const stage = new ConsumerStage({ clock })
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
