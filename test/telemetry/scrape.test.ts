import { afterEach, describe, expect, test } from '@jest/globals'
import { INSTRUMENTS, labelsOf } from '../../src/telemetry/instruments.ts'
import { createMetrics, type MetricSlab } from '../../src/telemetry/metrics.ts'
import type { Telemetry } from '../../src/telemetry/sdk.ts'
import { startSdk } from '../../src/telemetry/sdk.ts'
import { type Family, parsePrometheusText, sampleValue } from './prometheus-text.ts'

const started: Telemetry[] = []

afterEach(async () => {
  for (const telemetry of started.splice(0)) await telemetry.shutdown()
})

async function telemetryOf(metrics: MetricSlab, prefix = 'arbitrage_'): Promise<Telemetry> {
  const config = { metrics: { enabled: true, prefix } }
  const telemetry = await startSdk({ config, metrics, serviceName: 'test', version: '1.2.3' })
  started.push(telemetry)
  return telemetry
}

async function families(telemetry: Telemetry): Promise<ReadonlyMap<string, Family>> {
  const { body } = await telemetry.scrape()
  return parsePrometheusText(body)
}

/** Metrics that have every instrument with two label sets. */
function fillAll(metrics: MetricSlab): void {
  for (const instrument of INSTRUMENTS.filter(({ bare }) => !bare)) {
    for (const value of ['one', 'two "quoted"\\\n']) {
      const labels = Object.fromEntries(labelsOf(instrument).map((label) => [label, value]))
      if (instrument.kind === 'counter') metrics.counter(instrument.name, labels).add(1)
      if (instrument.kind === 'gauge') metrics.gauge(instrument.name, labels).set(-1.5)
      if (instrument.kind === 'histogram') metrics.histogram(instrument.name, labels).record(1e-3)
    }
  }
}

describe('a scrape', () => {
  test('is valid Prometheus text with every instrument of the table and no other', async () => {
    const metrics = createMetrics()
    fillAll(metrics)
    const telemetry = await telemetryOf(metrics)
    const { body, contentType } = await telemetry.scrape()
    const found = parsePrometheusText(body)
    expect(contentType).toBe('text/plain; version=0.0.4; charset=utf-8')
    const names = INSTRUMENTS.flatMap(({ name, twin, bare }) => [
      (bare ? '' : 'arbitrage_') + name,
      ...(twin ? [`arbitrage_${twin.name}`] : []),
    ])
    expect([...found.keys()].sort()).toEqual([...names, 'target_info'].sort())
    for (const { name, kind, help, bare } of INSTRUMENTS) {
      expect(found.get((bare ? '' : 'arbitrage_') + name)).toMatchObject({ type: kind, help })
    }
    expect(sampleValue(found, 'arbitrage_drops_total', { chain: 'two "quoted"\\\n' })).toBe(1)
  })

  test('names the service that the metrics belong to', async () => {
    const info = (await families(await telemetryOf(createMetrics()))).get('target_info')
    expect(info?.samples[0]?.labels).toMatchObject({ service_name: 'test', service_version: '1.2.3' })
    expect(Object.keys(info?.samples[0]?.labels ?? {}).filter((label) => label.startsWith('process'))).toEqual([])
  })

  test('never shows a counter go back', async () => {
    const metrics = createMetrics()
    const telemetry = await telemetryOf(metrics)
    const counter = metrics.counter('price_updates_total', { chain: 'base' })
    const histogram = metrics.histogram('warming_duration_ms', { chain: 'base', strategy: 'forewarm' })
    let last = 0
    for (let i = 1; i <= 5; i++) {
      counter.add(i)
      histogram.record(i * 7)
      const found = await families(telemetry)
      const now = sampleValue(found, 'arbitrage_price_updates_total', { chain: 'base' }) ?? Number.NaN
      expect(now).toBe(last + i)
      expect(sampleValue(found, 'arbitrage_warming_duration_ms_count')).toBe(i)
      last = now
    }
  })

  test('shows a duration and its twin in seconds from the same buckets', async () => {
    const metrics = createMetrics()
    const tracking = metrics.histogram('correlation_tracking_duration_us')
    for (const us of [0.1, 0.15, 74, 75, 99, 1000]) tracking.record(us)
    const found = await families(await telemetryOf(metrics))
    const buckets = (name: string) =>
      (found.get(name)?.samples ?? []).filter((sample) => sample.name.endsWith('_bucket'))
    const us = buckets('arbitrage_correlation_tracking_duration_us')
    const seconds = buckets('arbitrage_correlation_tracking_duration_seconds')
    expect(us.map(({ value }) => value)).toEqual([1, 2, 2, 2, 2, 2, 2, 2, 2, 4, 5, 5, 6])
    expect(seconds.map(({ value }) => value)).toEqual(us.map(({ value }) => value))
    expect(seconds.map(({ labels }) => labels.le)).toEqual(
      '1e-7 2e-7 5e-7 0.000001 0.000002 0.000005 0.00001 0.000025 0.00005 0.000075 0.0001 0.00025 +Inf'.split(' '),
    )
    expect(sampleValue(found, 'arbitrage_correlation_tracking_duration_seconds_sum')).toBeCloseTo(1248.25e-6, 9)
  })

  test('has the bounds that dashboards and alerts read', async () => {
    const bounds = (name: string) => INSTRUMENTS.find((instrument) => instrument.name === name)?.bounds
    expect(bounds('warming_duration_ms')).toEqual(expect.arrayContaining([1, 2, 5, 10, 15, 20, 50, 100]))
    expect(bounds('correlation_tracking_duration_us')).toEqual([0.1, 0.2, 0.5, 1, 2, 5, 10, 25, 50, 75, 100, 250])
  })

  test('takes the prefix that is configured, and none for the names of other exporters', async () => {
    const metrics = createMetrics()
    metrics.counter('price_updates_total').add(1)
    const found = await families(await telemetryOf(metrics, 'prices_'))
    expect([...found.keys()]).toEqual([
      'target_info',
      'prices_price_updates_total',
      'process_resident_memory_bytes',
      'nodejs_heap_size_used_bytes',
      'node_memory_MemTotal_bytes',
    ])
    expect(sampleValue(found, 'process_resident_memory_bytes')).toBeGreaterThan(1e6)
  })

  test('is OpenMetrics if that is asked for', async () => {
    const metrics = createMetrics()
    fillAll(metrics)
    const telemetry = await telemetryOf(metrics)
    const accept = 'application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5'
    const { body, contentType } = await telemetry.scrape(accept)
    expect(contentType).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8')
    expect(body.endsWith('\n# EOF\n')).toBe(true)
    expect(body).toContain('# TYPE arbitrage_price_updates counter\narbitrage_price_updates_total{chain="one"} 1\n')
    expect(body).not.toMatch(/^# UNIT/m)
    const plain = await telemetry.scrape('text/plain;q=0.9, application/openmetrics-text;q=0.1')
    expect(plain.contentType).toContain('version=0.0.4')
  })

  test('works while the SDK is switched off', async () => {
    process.env.OTEL_SDK_DISABLED = 'true'
    try {
      const metrics = createMetrics()
      metrics.counter('price_updates_total').add(4)
      const found = await families(await telemetryOf(metrics))
      expect(sampleValue(found, 'arbitrage_price_updates_total')).toBe(4)
    } finally {
      delete process.env.OTEL_SDK_DISABLED
    }
  })

  test('fails as a whole if a value cannot be read', async () => {
    const metrics = createMetrics()
    metrics.observe('cache_size_bytes', {}, () => {
      throw new Error('freed')
    })
    await expect((await telemetryOf(metrics)).scrape()).rejects.toThrow('freed')
  })
})
