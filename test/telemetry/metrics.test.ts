import { describe, expect, test } from '@jest/globals'
import { createMetrics, type InstrumentValues, type MetricSlab } from '../../src/telemetry/metrics.ts'

function reading(metrics: MetricSlab, name: string): InstrumentValues {
  const found = metrics.read().find(({ instrument }) => instrument.name === name)
  if (found === undefined) throw new Error(`${name} was not read`)
  return found
}

describe('a counter', () => {
  test('counts each label set separately', () => {
    const metrics = createMetrics()
    metrics.counter('cache_hits_total', { chain: 'ethereum', cache_level: 'L1' }).add(2)
    metrics.counter('cache_hits_total', { chain: 'base', cache_level: 'L1' }).add(3)
    expect(reading(metrics, 'cache_hits_total').numbers).toEqual([
      { labels: { chain: 'ethereum', cache_level: 'L1' }, value: 2 },
      { labels: { chain: 'base', cache_level: 'L1' }, value: 3 },
    ])
  })

  test('is the same cell each time it is asked for, whatever the order of its labels', () => {
    const metrics = createMetrics()
    const one = metrics.counter('cache_hits_total', { chain: 'base', cache_level: 'L1' })
    const two = metrics.counter('cache_hits_total', { cache_level: 'L1', chain: 'base' })
    one.add(1)
    two.add(1)
    expect(one.value).toBe(2)
  })

  test('has `all` for a label that is left out', () => {
    const metrics = createMetrics()
    metrics.counter('drops_total', { reason: 'late' }).add(1)
    expect(reading(metrics, 'drops_total').numbers[0]?.labels).toEqual({ chain: 'all', reason: 'late' })
  })

  test('keeps its cell when many others are created after it', () => {
    const metrics = createMetrics({ maxSeriesPerInstrument: 5000 })
    const first = metrics.counter('price_updates_total', { chain: 'c0' })
    const cells = Array.from({ length: 3000 }, (_, i) => metrics.counter('price_updates_total', { chain: `c${i}` }))
    for (const [i, cell] of cells.entries()) cell.add(i + 1)
    expect(first.value).toBe(1)
    expect(cells.map((cell) => cell.value)).toEqual(cells.map((_, i) => i + 1))
  })
})

describe('a gauge', () => {
  test('is not shown before it was set', () => {
    const metrics = createMetrics()
    const gauge = metrics.gauge('l2_state')
    expect(reading(metrics, 'l2_state').numbers).toEqual([])
    gauge.set(1)
    expect(reading(metrics, 'l2_state').numbers).toEqual([{ labels: { chain: 'all' }, value: 1 }])
  })
})

describe('an observed value', () => {
  test('is read at the scrape, and added up if several observe the same series', () => {
    const metrics = createMetrics()
    let bytes = 1
    metrics.observe('cache_size_bytes', { cache_level: 'L1' }, () => bytes)
    metrics.observe('cache_size_bytes', { cache_level: 'L1' }, () => 10)
    bytes = 5
    expect(reading(metrics, 'cache_size_bytes').numbers[0]?.value).toBe(15)
  })

  test('may be a counter that somebody else keeps', () => {
    const metrics = createMetrics()
    metrics.observe('cache_hits_total', { cache_level: 'L1' }, () => 7)
    expect(reading(metrics, 'cache_hits_total').numbers[0]?.value).toBe(7)
  })
})

describe('the metrics', () => {
  test('refuse a name, a label or a kind that the table does not have', () => {
    const metrics = createMetrics()
    expect(() => metrics.counter('cache_hit_total')).toThrow('no instrument cache_hit_total')
    expect(() => metrics.counter('cache_hits_total', { pair: 'WETH/USDC' })).toThrow('no label pair')
    expect(() => metrics.gauge('cache_hits_total')).toThrow('is a counter, asked for as a gauge')
    expect(() => metrics.observe('warming_duration_ms', {}, () => 1)).toThrow('is a histogram')
  })

  test('leave out instruments that nobody asked for', () => {
    expect(createMetrics().read()).toEqual([])
  })
})

describe('label sets beyond the bound', () => {
  test('are counted under the chain `other`, with their other labels kept, and reported', () => {
    const metrics = createMetrics({ maxSeriesPerInstrument: 3 })
    const hits = (chain: string, level: string) => metrics.counter('cache_hits_total', { chain, cache_level: level })
    for (const chain of ['a', 'b', 'c', 'd', 'e']) {
      hits(chain, 'L1').add(1)
      hits(chain, 'L2').add(10)
    }
    expect(reading(metrics, 'cache_hits_total').numbers).toEqual([
      { labels: { chain: 'a', cache_level: 'L1' }, value: 1 },
      { labels: { chain: 'a', cache_level: 'L2' }, value: 10 },
      { labels: { chain: 'b', cache_level: 'L1' }, value: 1 },
      { labels: { chain: 'other', cache_level: 'L2' }, value: 40 },
      { labels: { chain: 'other', cache_level: 'L1' }, value: 3 },
    ])
    expect(reading(metrics, 'metric_series_refused_total').numbers).toEqual([
      { labels: { chain: 'all', instrument: 'cache_hits_total' }, value: 7 },
    ])
  })

  test('never make more series than twice the bound and one', () => {
    const metrics = createMetrics({ maxSeriesPerInstrument: 2 })
    for (let i = 0; i < 100; i++) metrics.counter('drops_total', { chain: `c${i}`, reason: `r${i}` }).add(1)
    const { numbers } = reading(metrics, 'drops_total')
    expect(numbers.map(({ labels }) => `${labels.chain} ${labels.reason}`)).toEqual([
      'c0 r0',
      'c1 r1',
      'other r2',
      'other r3',
      'other other',
    ])
    expect(numbers.reduce((sum, { value }) => sum + value, 0)).toBe(100)
  })

  test('do not change known label sets', () => {
    const metrics = createMetrics({ maxSeriesPerInstrument: 1 })
    const first = metrics.counter('price_updates_total', { chain: 'a' })
    metrics.counter('price_updates_total', { chain: 'b' }).add(1)
    metrics.counter('price_updates_total', { chain: 'a' }).add(1)
    expect(first.value).toBe(1)
  })
})
