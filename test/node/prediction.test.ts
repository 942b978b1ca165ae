import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { createMemoryBroker } from '../../src/broker/memory/broker.ts'
import { virtualClock } from '../../src/clock.ts'
import { detector } from '../../src/detect/detector.ts'
import { until } from '../harness/until.ts'
import { metricValue } from './scrape.ts'
import { onStage, updateOf } from './stage.ts'

/** A fixed time: patterns go by the hour, and none may end in the middle of a test. */
const NOW_MS = Date.UTC(2026, 0, 5, 12, 30)
const clock = { now: () => NOW_MS }

let folder: string
let config: { readonly prediction: { readonly store: string } }
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'forewarm-node-patterns-'))
  config = { prediction: { store: join(folder, 'patterns.json') } }
})
afterEach(() => rmSync(folder, { recursive: true }))

test('a node recommends the pairs that its detectors read, and stores them when it closes', async () => {
  const reader = detector('reader', {}, (_, prices) => void prices.get('ethereum', 'READ'))
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const node = await stage.startNode({ detectors: [reader], config, clock })
    await stage.produce(...['A', 'B', 'C'].map((pair) => updateOf(pair, { group: 'sector', eventTimeMs: NOW_MS })))
    await until('the updates are handled', () => node.stats().updates === 3)
    expect(node.predictor.recommendations()).toMatchObject([{ chain: 'ethereum', pair: 'READ', kind: 'popular' }])
    expect(node.predictor.stats()).toEqual({ totalAccesses: 3, uniquePairs: 1, top10: ['READ'], accuracyByKind: {} })
    expect(node.predictor.pattern('ethereum', 'READ')?.frequencyPerHour).toBeGreaterThan(0)
    expect(node.predictor.pattern('ethereum', 'A')).toBeUndefined()
    expect(node.predictor.patterns()).toMatchObject([{ chain: 'ethereum', pair: 'READ', peakHours: [] }])
    await node.close()
    const next = await stage.startNode({ detectors: [reader], config, clock })
    expect(next.predictor.stats()).toEqual({ totalAccesses: 3, uniquePairs: 1, top10: ['READ'], accuracyByKind: {} })
    expect(next.predictor.importPatterns({ version: 2 })).toEqual({
      problem: expect.stringContaining('expected kind'),
    })
  })
})

test('a node counts the reads of pairs beyond those that it remembers', async () => {
  const reader = detector('reader', {}, ({ pair }, prices) => void prices.get('ethereum', `${pair}-other`))
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const node = await stage.startNode({ detectors: [reader], config: { correlation: { maxTrackedPairs: 100 } } })
    await stage.produce(...Array.from({ length: 120 }, (_, i) => updateOf(`P${i}`)))
    await until('the updates are handled', () => node.stats().updates === 120)
    const kept = node.predictor.stats().totalAccesses
    // Their ids are unknown, as the updated pairs have ids, too.
    expect(kept).toBe(100)
    expect(await metricValue(node, 'arbitrage_drops_total', { reason: 'read-not-remembered' })).toBe(120 - kept)
  })
})

test('a node does not take, or replace, the patterns that a node of another service has saved', async () => {
  const reader = detector('reader', {}, (_, prices) => void prices.get('ethereum', 'READ'))
  const store = join(folder, 'shared.json')
  const prediction = { ...config.prediction, store }
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const node = await stage.startNode({ detectors: [reader], config: { prediction } })
    await stage.produce(updateOf('A'))
    await until('it is handled', () => node.stats().updates === 1)
    await node.close()
    const saved = readFileSync(store, 'utf8')
    expect(JSON.parse(saved)).toMatchObject({ service: stage.service })
    const other = await stage.node({ config: { prediction, node: { service: 'other' } } })
    const message = expect.stringContaining(`of service other, got those of service ${stage.service}`)
    await expect(other.start()).rejects.toMatchObject({ code: 'bad-config', message })
    await other.close()
    expect(readFileSync(store, 'utf8')).toBe(saved)
  })
})

test('a node that read nothing leaves its pattern file as it is, even if it is unreadable', async () => {
  const { store } = config.prediction
  for (const text of ['{"kind":"forewarm-patterns","version":2}', '{"kind":"fore']) {
    writeFileSync(store, text)
    await onStage({ broker: createMemoryBroker() }, async (stage) => {
      const node = await stage.startNode({ config })
      await node.close()
      expect(readFileSync(store, 'utf8')).toBe(text)
    })
  }
})

test('a node that cannot save its patterns says so when it closes, and everything is closed', async () => {
  const reader = detector('reader', {}, (_, prices) => void prices.get('ethereum', 'READ'))
  const gone = join(folder, 'gone')
  mkdirSync(gone)
  const store = join(gone, 'patterns.json')
  const broker = createMemoryBroker()
  let committed: number | undefined
  // The stage closes its node in the end.
  const closing = onStage({ broker }, async (stage) => {
    const node = await stage.startNode({ detectors: [reader], clock, config: { prediction: { store } } })
    await stage.produce(updateOf('A', { eventTimeMs: NOW_MS }))
    await until('the update is handled', () => node.stats().updates === 1)
    rmSync(gone, { recursive: true })
    await node.close().catch(() => undefined)
    committed = await stage.committed()
  })
  await expect(closing).rejects.toMatchObject({ code: 'patterns-not-saved', message: expect.stringContaining(store) })
  expect(committed).toBe(1)
})

test('a node does not start if it could not save its patterns', async () => {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    for (const store of [folder, join(folder, 'no', 'patterns.json')]) {
      const refused = stage.startNode({ config: { prediction: { store } } })
      await expect(refused).rejects.toMatchObject({ code: 'bad-config', message: expect.stringContaining(store) })
    }
  })
})

test('a node does not import patterns of future hours', async () => {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const clock = virtualClock(Date.UTC(2026, 0, 5, 12, 59))
    const { predictor } = await stage.startNode({ clock })
    const hour = Math.floor(clock.now() / 3_600_000)
    const document = { kind: 'forewarm-patterns', version: 1, firstHour: hour, lastHour: hour + 1, pairs: [] }
    expect(predictor.importPatterns(document)).toEqual({ problem: expect.stringContaining(`got ${hour + 1}`) })
    expect(predictor.importPatterns({ ...document, lastHour: hour })).toEqual({ refused: 0 })
  })
})
