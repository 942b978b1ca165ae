import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, describe, expect, test } from '@jest/globals'
import { stringify } from 'yaml'
import { alerts } from '../../../deploy/monitoring/alerts/alerts.ts'
import { prometheusRules } from '../../../deploy/monitoring/alerts/prometheus-rules.ts'
import { ROUTES } from '../../../deploy/monitoring/alerts/routing.ts'
import { monitoringFiles } from '../../../deploy/monitoring/files.ts'
import { queries } from '../../../deploy/monitoring/queries.ts'
import { INSTRUMENTS } from '../../../src/telemetry/instruments.ts'
import { bare, counter, gauge, histogram, type Series } from './series.ts'

const ROOT = resolve(import.meta.dirname, '../../..')
const RULES = join(ROOT, 'deploy/prometheus/rules.yml')
const ALL = alerts(queries('arbitrage_'))
const folder = mkdtempSync(join(tmpdir(), 'forewarm-alerts-'))
afterAll(() => rmSync(folder, { recursive: true }))

const L1 = { cache_level: 'L1' }
const reads = (hits: number, misses: number, chain = 'base') => [
  counter('cache_hits_total', hits, { ...L1, chain }),
  counter('cache_misses_total', misses, { ...L1, chain }),
]
const warms = (success: number, error: number, chain = 'base') => [
  counter('warming_operations_total', success, { chain, status: 'success', strategy: 'correlation' }),
  counter('warming_operations_total', error, { chain, status: 'error', strategy: 'correlation' }),
]
const results = (done: number, failed: number) => [
  counter('warm_results_total', done, { status: 'done', strategy: 'popular' }),
  counter('warm_results_total', failed, { status: 'failed', strategy: 'popular' }),
]
const node = gauge('correlation_pairs_tracked', 100)
const lag = (records: number) => gauge('consumer_lag_records', records, { topic: 'prices.base' })
const l1 = (size: number, perMinute: number) => [
  gauge('cache_size_bytes', size, L1, perMinute),
  gauge('cache_capacity_bytes', 1e9, L1),
]
const tracking = (bound: number) => histogram('correlation_tracking_duration_seconds', bound, { chain: 'all' })
const warming = (bound: number) => histogram('warming_duration_seconds', bound, { strategy: 'correlation' })
const visible = (bound: number) => histogram('end_to_end_latency_seconds', bound, { chain: 'all' })

/** Series on which each alert fires, and those on which it only nearly does. */
const CASES: Readonly<Record<string, { readonly fires: readonly Series[]; readonly quiet: readonly Series[] }>> = {
  CorrelationTrackingSlow: { fires: tracking(0.00025), quiet: tracking(0.0001) },
  CorrelationTrackingDegraded: { fires: tracking(0.0001), quiet: tracking(0.000075) },
  WarmingOperationsSlow: { fires: warming(0.1), quiet: warming(0.02) },
  WarmingOperationsDegraded: { fires: warming(0.02), quiet: warming(0.015) },
  CacheReadSlow: {
    fires: histogram('cache_get_duration_seconds', 0.25, { cache_level: 'L2' }),
    quiet: histogram('cache_get_duration_seconds', 0.1, { cache_level: 'L2' }),
  },
  // The other chain is well: an average over both would hide the bad one. Few warms say nothing.
  WarmingErrorRateHigh: { fires: [...warms(9, 1), ...warms(900, 0, 'polygon')], quiet: warms(95, 5) },
  WarmingErrorRateElevated: { fires: warms(98, 2), quiet: warms(0.01, 0.01) },
  CacheHitRateDropped: { fires: [...reads(80, 20), ...reads(900, 1, 'polygon')], quiet: reads(0.5, 0.4) },
  CacheHitRateSuboptimal: { fires: reads(88, 12), quiet: reads(91, 9) },
  WarmingTasksFailing: { fires: results(9, 1), quiet: results(96, 4) },
  WarmingThroughputLow: { fires: [...warms(10, 0), lag(5)], quiet: [...warms(10, 0), lag(0)] },
  TrackingThroughputLow: {
    fires: [counter('price_updates_total', 500), lag(1)],
    quiet: [counter('price_updates_total', 500), lag(0)],
  },
  LowPairsPerWarming: {
    fires: [...warms(10, 0), counter('warming_pairs_warmed_total', 15, { strategy: 'correlation' })],
    quiet: [...warms(10, 0), counter('warming_pairs_warmed_total', 25, { strategy: 'correlation' })],
  },
  MemoryGrowthHigh: {
    fires: [node, bare('process_resident_memory_bytes', 2e8, 2e6)],
    quiet: [node, bare('process_resident_memory_bytes', 2e8, 1.5e6)],
  },
  TooManyPairsTracked: {
    fires: [gauge('correlation_pairs_tracked', 8001)],
    quiet: [gauge('correlation_pairs_tracked', 8000)],
  },
  CacheCapacityWarning: { fires: l1(1e8, 1e6), quiet: l1(9e8, 0) },
  HighMemoryUsage: {
    fires: [node, bare('process_resident_memory_bytes', 9e8), bare('node_memory_MemTotal_bytes', 1e9)],
    // It is no node of ours.
    quiet: [bare('process_resident_memory_bytes', 9e8), bare('node_memory_MemTotal_bytes', 1e9)],
  },
  MemoryCeilingNear: {
    fires: [bare('process_resident_memory_bytes', 9e8), gauge('memory_ceiling_bytes', 1e9)],
    quiet: [bare('process_resident_memory_bytes', 9e8)],
  },
  HitRatioBudgetBurnsFast: { fires: reads(20, 80), quiet: reads(40, 60) },
  HitRatioBudgetBurnsSlowly: { fires: reads(90, 10), quiet: reads(96, 4) },
  WarmSuccessBudgetBurnsFast: { fires: warms(80, 20), quiet: warms(90, 10) },
  WarmSuccessBudgetBurnsSlowly: { fires: warms(95, 5), quiet: warms(99.5, 0.5) },
  FreshnessBudgetBurnsFast: { fires: visible(1), quiet: visible(0.25) },
  FreshnessBudgetBurnsSlowly: { fires: visible(1), quiet: visible(0.1) },
}

const hasPromtool = spawnSync('promtool', ['--version']).status === 0
const hasAmtool = spawnSync('amtool', ['--version']).status === 0
if (!hasPromtool || !hasAmtool)
  console.warn('alerts are not tried: promtool and amtool of Prometheus are not installed')
const withPromtool = hasPromtool ? test : test.skip
const withAmtool = hasAmtool ? test : test.skip

function run(command: string, ...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  return { status, output: stdout + stderr }
}

describe('the files of monitoring', () => {
  test('are as deploy/monitoring writes them', () => {
    for (const [path, text] of monitoringFiles())
      expect([path, readFileSync(join(ROOT, path), 'utf8')]).toEqual([path, text])
  })

  test('have a page of the runbook for each alert, and no other page', () => {
    expect(readdirSync(join(ROOT, 'docs/runbook')).toSorted()).toEqual(ALL.map(({ name }) => `${name}.md`).toSorted())
  })

  test('ask for metrics that a node has', () => {
    const known = new Set(INSTRUMENTS.flatMap(({ name, twin }) => [name, ...(twin ? [twin.name] : [])]))
    const asked = ALL.flatMap(({ expression }) =>
      [...expression.matchAll(/arbitrage_(\w+)/g)].map(([, name = '']) => name),
    )
    const missing = asked.filter((name) => !known.has(name.replace(/_(bucket|count|sum)$/, '')))
    expect([...new Set(missing)]).toEqual([])
  })

  test('match no bucket by its text, which Prometheus 2 and 3 store in different ways', () => {
    for (const { expression } of ALL) expect(expression).not.toMatch(/\ble\s*[=!]/)
  })
})

describe('the rules', () => {
  withPromtool('are clean for promtool, with all its lints', () => {
    expect(run('promtool', 'check', 'rules', '--lint=all', '--lint-fatal', RULES)).toMatchObject({ status: 0 })
  })

  test('have each a case that fires and one that stays quiet', () => {
    expect(Object.keys(CASES).toSorted()).toEqual(ALL.map(({ name }) => name).toSorted())
  })

  withPromtool.each(ALL.map(({ name }) => [name]))('%s fires when it should, and else is quiet', (name) => {
    const { fires, quiet } = CASES[name] ?? { fires: [], quiet: [] }
    const count = `count(ALERTS{alertname="${name}",alertstate="firing"})`
    const tests = [
      [fires, [{ labels: '{}', value: 1 }]],
      [quiet, []],
    ].map(([input, samples]) => ({
      ...{ interval: '1m', input_series: input },
      promql_expr_test: [{ expr: count, eval_time: '9h', exp_samples: samples }],
    }))
    // All rules together would take twenty times as long.
    const alone = ALL.filter((each) => each.name === name)
    const [rules, file] = [join(folder, `${name}.rules.yml`), join(folder, `${name}.yml`)]
    writeFileSync(rules, stringify(prometheusRules(alone, 'docs/runbook')))
    writeFileSync(file, stringify({ rule_files: [rules], evaluation_interval: '1m', tests }))
    expect(run('promtool', 'test', 'rules', file)).toEqual({ status: 0, output: expect.stringContaining('SUCCESS') })
  })
})

describe('alerts', () => {
  const config = join(ROOT, 'deploy/alertmanager/alertmanager.yml')

  withAmtool('have a configuration that amtool takes', () => {
    expect(run('amtool', 'check-config', config)).toMatchObject({ status: 0 })
  })

  withAmtool.each(ROUTES.flatMap(({ receiver, severities }) => severities.map((severity) => [severity, receiver])))(
    'that are %s go to %s',
    (severity, receiver) => {
      const labels = ['component=warming', `severity=${severity}`, 'alertname=X', 'chain=base']
      const routed = run(
        'amtool',
        'config',
        'routes',
        'test',
        `--config.file=${config}`,
        `--verify.receivers=${receiver}`,
        ...labels,
      )
      expect(routed).toMatchObject({ status: 0, output: expect.stringContaining(receiver) })
    },
  )

  withAmtool('of something else are left alone', () => {
    const routed = run(
      'amtool',
      'config',
      'routes',
      'test',
      `--config.file=${config}`,
      'component=other',
      'severity=critical',
    )
    expect(routed.output).toContain('nobody')
  })
})
