import { beforeEach, describe, expect, test } from '@jest/globals'
import { emptyPrice } from '../../src/cache/cached-price.ts'
import { KnownReads } from '../../src/correlation/known-reads.ts'
import { MinedEdges } from '../../src/correlation/mined/mined-edges.ts'
import { Miner } from '../../src/correlation/mined/miner.ts'
import { Tracker } from '../../src/correlation/tracker.ts'
import { BoundPrices } from '../../src/detect/prices.ts'
import { T0, TestCaches } from '../cache/caches.ts'
import { columnsOf } from '../cache/l2/columns.ts'
import { ControlledL2 } from '../cache/l2/controlled-l2.ts'
import { settled } from '../harness/manual-timer.ts'

let caches: TestCaches
let prices: BoundPrices

beforeEach(() => {
  caches = new TestCaches()
  prices = boundTo('trigger')
})

function boundTo(pair: string): BoundPrices {
  return new BoundPrices(caches.sources, { pairId: caches.update(pair, 1), eventTimeMs: T0 })
}

/** The price leaves L1 and the write-behind, and stays in L2. */
async function onlyInL2(pair: string, price: number): Promise<void> {
  caches.update(pair, price)
  await caches.writeBehind.flush()
  const pairId = caches.table.find('ethereum', pair)
  for (let other = 0; caches.l1.has(pairId); other++) caches.l1.fill(900 - other, { ...record, version: 1 })
}

const numbers = { price: 1, bid: 1, ask: 1, reserve0: 1, reserve1: 1, liquidity: 1 }
const record = { ...emptyPrice(), version: 1, eventTimeMs: 1, ...numbers }

test('made-up names are unknown, take no more than half of the ids, and are counted', () => {
  for (let i = 0; i < 2_000; i++)
    expect(prices.get('ethereum', `nonsense ${i}`)).toBe(i < 500 ? 'unknown' : 'unavailable')
  expect(caches.table.size).toBe(501)
  expect(caches.table.asksWithoutId).toBe(1_500)
  const pairId = caches.update('listed later', 7)
  expect([pairId >= 0, prices.get('ethereum', 'listed later')]).toMatchObject([true, { price: 7 }])
})

describe('a reading', () => {
  test('has the price with its age on the clock of the node, and its version', () => {
    caches.update('WETH/USDC', 3000.5, { atMs: T0 - 250 })
    caches.clock.advanceTo(T0 + 50)
    expect(prices.get('ethereum', 'WETH/USDC')).toEqual({
      pair: 'WETH/USDC',
      chain: 'ethereum',
      price: 3000.5,
      bid: undefined,
      ask: undefined,
      reserve0: undefined,
      reserve1: undefined,
      liquidity: undefined,
      eventTimeMs: T0 - 250,
      ageMs: 300,
      behindMs: 50,
      version: (T0 - 250) * 4096,
    })
  })

  test('is an object of its own, which the next one does not change', () => {
    caches.update('a', 1)
    caches.update('b', 2)
    const first = prices.get('ethereum', 'a')
    prices.get('ethereum', 'b')
    expect(first).toMatchObject({ pair: 'a', price: 1 })
  })

  test('that is older than accepted is stale, and one that is exactly as old is not', () => {
    caches.update('a', 1, { atMs: T0 - 100 })
    expect(prices.get('ethereum', 'a', { maxAgeMs: 99 })).toBe('stale')
    expect(prices.get('ethereum', 'a', { maxAgeMs: 100 })).toMatchObject({ price: 1, ageMs: 100 })
  })

  test('is recorded with its age', () => {
    caches.update('a', 1, { atMs: T0 - 2000 })
    prices.get('ethereum', 'a')
    const ages = caches.metrics.histogram('event_age_at_read_seconds')
    expect([ages.count, ages.sum]).toEqual([1, 2])
  })

  test('of an unknown pair is unknown until no level has it, and the pair is known from then on', async () => {
    expect(prices.get('base', 'NEW')).toBe('unknown')
    expect(await prices.getOrLoad('base', 'NEW')).toBe('missing')
    expect(prices.get('base', 'NEW')).toBe('missing')
    caches.update('NEW', 5, { chain: 'base' })
    expect(prices.get('base', 'NEW')).toMatchObject({ chain: 'base', price: 5 })
  })

  test('of a new pair is unavailable if the table is full', async () => {
    caches = new TestCaches({ maxPairs: 1 })
    prices = boundTo('trigger')
    expect(prices.get('ethereum', 'NEW')).toBe('unavailable')
    expect(await prices.getMany('ethereum', ['NEW', 'trigger'])).toEqual([
      'unavailable',
      expect.objectContaining({ price: 1 }),
    ])
  })
})

describe('a synchronous read', () => {
  test('that misses while L2 is away is unavailable', async () => {
    const l2 = new ControlledL2()
    caches = new TestCaches({ l2 })
    prices = boundTo('trigger')
    expect(prices.get('ethereum', 'a')).toBe('unknown')
    await settled()
    await l2.loads[0]?.fail()
    expect(prices.get('ethereum', 'a')).toBe('unavailable')
  })

  test('that misses has the price fetched for the next read', async () => {
    caches = new TestCaches({ slots: 2 })
    prices = boundTo('trigger')
    await onlyInL2('a', 7)
    expect(prices.get('ethereum', 'a')).toBe('unknown')
    await settled()
    expect(prices.get('ethereum', 'a')).toMatchObject({ price: 7 })
  })
})

describe('a read that may wait', () => {
  test('goes on to L2', async () => {
    caches = new TestCaches({ slots: 2 })
    prices = boundTo('trigger')
    await onlyInL2('a', 7)
    expect(await prices.getOrLoad('ethereum', 'a')).toMatchObject({ price: 7 })
    caches.clock.advanceTo(caches.clock.now() + 1)
    expect(await prices.getOrLoad('ethereum', 'a', { maxAgeMs: 0 })).toBe('stale')
  })

  test('of many pairs keeps their order, wherever their values are', async () => {
    caches = new TestCaches({ slots: 3 })
    prices = boundTo('trigger')
    await onlyInL2('far', 7)
    caches.update('old', 8, { atMs: T0 - 500 })
    caches.l1.fill(caches.table.register('ethereum', 'here'), { ...record, version: T0 * 4096, price: 9 })
    const readings = await prices.getMany('ethereum', ['far', 'here', 'none', 'old', 'far'], { maxAgeMs: 100 })
    expect(readings.map((reading) => (typeof reading === 'string' ? reading : reading.price))).toEqual([
      ...[7, 9, 'missing', 'stale', 7],
    ])
  })

  test('of no pairs gives no readings', async () => {
    expect(await prices.getMany('ethereum', [])).toEqual([])
  })
})

test('a pair that was read concerns this node, whoever gets its updates', async () => {
  prices.get('base', 'a')
  await prices.getMany('ethereum', ['b'])
  expect([...caches.readPairs].map((pairId) => caches.table.pairName(pairId))).toEqual(['a', 'b'])
})

describe('attribution', () => {
  function readsOfTrigger(): { pair: string; lagMs: number }[] {
    const known = new KnownReads()
    caches.tracker.readsAfter(caches.table.find('ethereum', 'trigger'), known)
    return Array.from({ length: known.count }, (_, i) => ({
      pair: caches.table.pairName(known.pairIds[i] as number),
      lagMs: known.lagsMs[i] as number,
    }))
  }

  test('tells how long after the update each pair was read, hit or missed, by whichever method', async () => {
    caches.update('a', 1)
    prices.get('ethereum', 'a')
    caches.clock.advanceTo(T0 + 30)
    await prices.getOrLoad('ethereum', 'b')
    caches.clock.advanceTo(T0 + 80)
    await prices.getMany('ethereum', ['c', 'd'])
    expect(readsOfTrigger()).toEqual([
      { pair: 'a', lagMs: 0 },
      { pair: 'b', lagMs: 30 },
      { pair: 'c', lagMs: 80 },
      { pair: 'd', lagMs: 80 },
    ])
    expect(prices.readEdges).toBe(0b1111)
  })

  test.each([
    ['missed', false],
    ['would have missed without a warm', true],
  ])('of a read that %s goes by event time, however far the node is behind', (_, warm) => {
    const mined = new MinedEdges({ maxPairs: 100, entries: 16_384 })
    const tracker = new Tracker({ maxPairs: 100, mined })
    const [a = 0, b = 0] = ['a', 'b'].map((pair) => caches.table.register('ethereum', pair))
    for (let second = 0; second <= 61; second++) {
      const trigger = { pairId: a, eventTimeMs: T0 - 3_600_000 + second * 1000 }
      const bound = new BoundPrices({ ...caches.sources, tracker }, trigger)
      tracker.observe(a, trigger.eventTimeMs, 0)
      caches.clock.advanceTo(caches.clock.now() + 60)
      if (warm) {
        caches.l1.evict(b)
        expect(caches.l1.promote(b, record)).toBe('warmed')
      }
      expect(typeof bound.get('ethereum', 'b') === 'object').toBe(warm)
    }
    const { memory } = mined
    const stretch = mined.takeStretch()
    if (memory === undefined || stretch === undefined) throw new Error('no stretch has ended')
    new Miner(memory).mine(stretch)
    const options = { nowMs: T0 - 3_538_000, limit: 5, minScore: 0.5 }
    expect(tracker.getPairsToWarm(a, options)).toMatchObject([{ pairId: b, lagMs: 60 }])
  })

  test('leaves out the updated pair itself, whose value came with the update', () => {
    prices.get('ethereum', 'trigger')
    expect([readsOfTrigger(), prices.readEdges]).toEqual([[], 0])
  })
})

describe('a pair whose updates go to another node', () => {
  /** L1 has the price of a minute ago; L2 has the current one, which the other node wrote. */
  async function movedElsewhere(): Promise<void> {
    const pairId = caches.update('a', 1, { chain: 'elsewhere', atMs: T0 - 60_000 })
    const newer = { ...record, pairId, version: T0 * 4096, price: 2 }
    await caches.writeBehind.flush()
    await caches.l2.write(columnsOf([newer]), 0, 1)
  }

  test('is read from L2 if its value in L1 is too old', async () => {
    await movedElsewhere()
    expect(await prices.getOrLoad('elsewhere', 'a', { maxAgeMs: 500 })).toMatchObject({ price: 2, ageMs: 0 })
    expect(prices.get('elsewhere', 'a', { maxAgeMs: 500 })).toMatchObject({ price: 2 })
  })

  test('is fetched again after a synchronous read that found it too old', async () => {
    await movedElsewhere()
    expect(prices.get('elsewhere', 'a', { maxAgeMs: 500 })).toBe('stale')
    await settled()
    expect(prices.get('elsewhere', 'a', { maxAgeMs: 500 })).toMatchObject({ price: 2 })
  })

  test('is stale if L2 has nothing newer, and costs no trip if its age is accepted', async () => {
    caches.update('a', 1, { chain: 'elsewhere', atMs: T0 - 60_000 })
    await caches.writeBehind.flush()
    expect(await prices.getOrLoad('elsewhere', 'a')).toMatchObject({ price: 1 })
    expect(caches.count('cache_loads_total', { cause: 'read', cache_level: 'L2' })).toBe(0)
    expect(await prices.getOrLoad('elsewhere', 'a', { maxAgeMs: 500 })).toBe('stale')
  })

  test('is not fetched again if its updates come here, as no newer value exists', async () => {
    caches.update('a', 1, { atMs: T0 - 60_000 })
    expect(await prices.getOrLoad('ethereum', 'a', { maxAgeMs: 500 })).toBe('stale')
    expect(caches.count('cache_loads_total', { cause: 'read', cache_level: 'L2' })).toBe(0)
  })
})
