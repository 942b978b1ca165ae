import { spawnSync } from 'node:child_process'
import { describe, expect, test } from '@jest/globals'
import { READY_CHECKS } from '../../node/health.ts'
import type { ForewarmNode } from '../../node/node.ts'
import { createMemoryBroker } from '../../src/broker/memory/broker.ts'
import { attachPrices } from '../../src/detect/attached-prices.ts'
import { detector } from '../../src/detect/detector.ts'
import { INSTRUMENTS } from '../../src/telemetry/instruments.ts'
import { until } from '../harness/until.ts'
import { get, metricValue } from './scrape.ts'
import { onStage, type Stage, updateOf } from './stage.ts'

/** Names that promtool refuses, and that the documents and other exporters have fixed. */
const FIXED: Readonly<Record<string, string>> = {
  arbitrage_warming_duration_ms: 'abbreviated units',
  arbitrage_correlation_tracking_duration_us: 'abbreviated units',
  node_memory_MemTotal_bytes: "'snake_case'",
}
const PAIRS = 20

async function running(stage: Stage): Promise<ForewarmNode> {
  const partner = detector('partner', {}, ({ pair }, prices) => {
    if (pair.startsWith('A')) prices.get('ethereum', pair.replace('A', 'B'))
  })
  const node = await stage.startNode({ detectors: [partner], config: { warming: { controlShare: 0.5 } } })
  const eventTimeMs = Date.now() - 1_000
  const updates = ['B', 'A'].flatMap((side) =>
    Array.from({ length: PAIRS }, (_, n) => updateOf(`${side}${n}`, { eventTimeMs })),
  )
  await stage.produce(...updates)
  await until('all is handled', () => node.stats().updates === updates.length)
  return node
}

describe('the metrics of a running node', () => {
  test('are what the node itself counts', () =>
    onStage({ broker: createMemoryBroker() }, async (stage) => {
      const node = await running(stage)
      const { updates, reads, warming, pairs } = node.stats()
      const value = (name: string, labels = {}) => metricValue(node, `arbitrage_${name}`, labels)
      expect(await value('price_updates_total')).toBe(updates)
      expect(await value('cache_hits_total', { cache_level: 'L1' })).toBe(reads.hits)
      expect(await value('cache_misses_total', { cache_level: 'L1' })).toBe(reads.misses)
      expect(await value('warming_compared_reads_total', { arm: 'with' })).toBe(warming.warmed.reads)
      expect(await value('warming_compared_reads_total', { arm: 'without' })).toBe(warming.control.reads)
      expect(await value('warming_compared_hits_total')).toBe(reads.hits)
      expect(await value('warming_compared_duration_seconds_count')).toBe(PAIRS)
      expect([pairs, reads.hits + reads.misses]).toEqual([2 * PAIRS, PAIRS])
    }))

  test('tell the mode of the rollout, and a kill', () =>
    onStage({ broker: createMemoryBroker() }, async (stage) => {
      const node = await running(stage)
      const modes = async () => {
        const all = await Promise.all(
          ['off', 'shadow', 'canary', 'full'].map((mode) => metricValue(node, 'arbitrage_rollout_mode', { mode })),
        )
        return [...all, await metricValue(node, 'arbitrage_rollout_killed')]
      }
      await node.rollout.set({ mode: 'full' })
      await until('the mode is set', () => node.rollout.status().mode === 'full')
      expect(await modes()).toEqual([0, 0, 0, 1, 0])
      expect(await node.rollout.kill()).toMatchObject({ status: 'set' })
      // An answer of /metrics stands for a moment.
      await until('the kill is shown', async () => (await modes())[4] === 1)
      expect(await modes()).toEqual([1, 0, 0, 0, 1])
    }))

  test('count the reads of other threads', () =>
    onStage({ broker: createMemoryBroker() }, async (stage) => {
      const node = await running(stage)
      const [one, two] = [attachPrices(node.sharedPrices), attachPrices(node.sharedPrices)]
      one.get('ethereum', 'A0')
      two.get('ethereum', 'A1')
      two.get('ethereum', 'nobody')
      expect(await metricValue(node, 'arbitrage_thread_reads_total', { outcome: 'hit' })).toBe(2)
      expect(await metricValue(node, 'arbitrage_thread_reads_total', { outcome: 'miss' })).toBe(1)
    }))

  test('show each of the checks of /readyz', () =>
    onStage({ broker: createMemoryBroker() }, async (stage) => {
      const node = await running(stage)
      const { checks } = JSON.parse((await get(node, '/readyz')).body)
      const names = Object.keys(checks)
      expect(names.length).toBeGreaterThan(0)
      expect(names.filter((name) => !READY_CHECKS.includes(name))).toEqual([])
      for (const check of names) expect(await metricValue(node, 'arbitrage_self_probe_state', { check })).toBe(1)
    }))

  test('hold a bound when every message invents a chain', () =>
    onStage({ broker: createMemoryBroker() }, async (stage) => {
      const node = await stage.startNode()
      const messages = 3_000
      const invented = (at: number) => updateOf(`P${at}`, { chain: `hostile-${at}`, eventTimeMs: Date.now() - 1_000 })
      await stage.produce(...Array.from({ length: messages }, (_, at) => invented(at)))
      await until('all is handled', () => node.stats().updates === messages)
      expect(await metricValue(node, 'arbitrage_price_updates_total')).toBe(messages)
      expect(await metricValue(node, 'arbitrage_price_updates_total', { chain: 'other' })).toBe(messages - 1_000)
      const refused = { instrument: 'price_updates_total' }
      expect(await metricValue(node, 'arbitrage_metric_series_refused_total', refused)).toBe(messages - 1_000)
    }))

  test('pass promtool but for the names that are fixed', () =>
    onStage({ broker: createMemoryBroker() }, async (stage) => {
      const node = await running(stage)
      const { body: input } = await get(node, '/metrics')
      const { stderr, stdout, error } = spawnSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' })
      if (error !== undefined)
        throw new Error('promtool is needed: Debian has it in the package prometheus', { cause: error })
      const said = `${stdout}${stderr}`.split('\n').filter((line) => line !== '')
      const known = new Set(INSTRUMENTS.flatMap(({ name, twin }) => [name, twin?.name]))
      expect(known.size).toBeGreaterThan(0)
      const excused = (line: string) =>
        Object.entries(FIXED).some(([name, why]) => line.startsWith(name) && line.includes(why))
      expect(said.filter((line) => !excused(line))).toEqual([])
    }))
})
