import { describe, expect, test } from '@jest/globals'
import { Exposition } from '../../../bin/top/exposition.ts'
import { topFigures } from '../../../bin/top/figures.ts'
import { screenLines } from '../../../bin/top/screen.ts'
import { Window } from '../../../bin/top/window.ts'
import { collected, prometheusText } from '../../../src/telemetry/metric-producer.ts'
import { createMetrics, type MetricSlab } from '../../../src/telemetry/metrics.ts'

/** A scrape of the metrics, in the form that a node answers with. */
function scraped(metrics: MetricSlab, prefix = 'arbitrage_'): Exposition {
  return new Exposition(prometheusText(collected(metrics, { prefix, version: '1' })))
}

/** The metrics of a node that has done something, and what it does in two seconds. */
function node() {
  const metrics = createMetrics()
  const updates = (chain: string) => metrics.counter('price_updates_total', { chain })
  const reads = (chain: string, what: 'hits' | 'misses') =>
    metrics.counter(`cache_${what}_total`, { chain, cache_level: 'L1' })
  updates('base').add(1_000)
  reads('base', 'hits').add(500)
  const before = scraped(metrics)
  updates('base').add(100)
  updates('ether"eum\n').add(300)
  reads('base', 'hits').add(30)
  reads('base', 'misses').add(10)
  for (const ms of [0.3, 0.7, 1.5, 4]) metrics.histogram('warming_duration_ms', { strategy: 'correlation' }).record(ms)
  metrics.counter('warming_operations_total', { status: 'success', strategy: 'correlation' }).add(3)
  metrics.counter('warming_operations_total', { status: 'error', strategy: 'correlation' }).add(1)
  metrics.counter('warming_pairs_warmed_total', { strategy: 'correlation' }).add(8)
  metrics.observe('warms_used_total', { strategy: 'correlation' }, () => 6)
  metrics.observe('warms_unused_total', { strategy: 'correlation' }, () => 2)
  metrics.counter('drops_total', { reason: 'one' }).add(5)
  metrics.gauge('l2_state').set(0)
  return { metrics, window: new Window(before, scraped(metrics), 2) }
}

describe('what top shows', () => {
  test('is what happened between two scrapes', () => {
    const figures = topFigures(node().window)
    expect(figures).toMatchObject({
      ...{
        updatesPerSecond: 200,
        readsPerSecond: 20,
        hitRatio: 0.75,
        warmsPerSecond: 2,
        warmSuccess: 0.75,
        pairsAWarm: 2,
      },
      ...{ drops: 5, deadLetters: 0, l2IsUp: false, lagRecords: undefined, improvement: undefined },
      warms: [{ strategy: 'correlation', used: 6, unused: 2 }],
      chains: [
        { chain: 'ether"eum\n', updatesPerSecond: 150, hitRatio: undefined },
        { chain: 'base', updatesPerSecond: 50, hitRatio: 0.75 },
      ],
    })
  })

  test('has quantiles as Prometheus computes them, whatever the text of a bound is', () => {
    const { metrics, window } = node()
    // Ranks 2 of 4 and 3.8 of 4, in the buckets up to 1 ms and 5 ms.
    expect(window.quantile(0.5, 'warming_duration_seconds')).toBeCloseTo(0.001)
    expect(window.quantile(0.95, 'warming_duration_seconds')).toBeCloseTo(0.002 + 0.003 * 0.8)
    const text = prometheusText(collected(metrics, { prefix: '', version: '1' }))
    const stored = text.replace(/le="(\d+)"/g, 'le="$1.0"')
    expect(stored).toContain('le="1.0"')
    const again = new Window(new Exposition(''), new Exposition(stored), 2)
    expect(again.quantile(0.5, 'warming_duration_ms')).toBeCloseTo(1)
  })

  test('begins anew with a node that was started again, and finds names by any prefix', () => {
    const { metrics } = node()
    const [large, small] = [createMetrics(), createMetrics()]
    large.counter('price_updates_total', { chain: 'base' }).add(1_000_000)
    small.counter('price_updates_total', { chain: 'base' }).add(40)
    const window = new Window(scraped(large, 'mine_'), scraped(small, 'mine_'), 4)
    expect(topFigures(window)).toMatchObject({ updatesPerSecond: 10 })
    expect(scraped(metrics, 'x_').sum('price_updates_total')).toBe(1_400)
  })

  test('of a node that does nothing yet has dashes and no numbers', () => {
    const nothing = new Window(new Exposition(''), new Exposition(''), 1)
    const lines = screenLines({ node: 'here', at: new Date(0), figures: topFigures(nothing), hitRatios: [undefined] })
    expect(lines.join('\n')).not.toMatch(/NaN|undefined|Infinity/)
    expect(lines.join('\n')).toMatch(/hit ratio +–/)
  })

  test('fits on 80 columns, and names of feeds move no cursor', () => {
    const { metrics, window } = node()
    metrics.counter('price_updates_total', { chain: `\x1b[2J${'long'.repeat(40)}` }).add(9e12)
    const wild = new Window(new Exposition(''), scraped(metrics), 1)
    for (const figures of [topFigures(window), topFigures(wild)]) {
      const lines = screenLines({ node: '127.0.0.1:9090', at: new Date(0), figures, hitRatios: [0, 0.5, 1, undefined] })
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(80)
      expect(lines.join('\n')).not.toMatch(/[^\P{C}\n]/u)
    }
  })
})
