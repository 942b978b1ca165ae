import { describe, expect, test } from '@jest/globals'
import type { ForewarmNode } from '../../node/node.ts'
import { controlKey } from '../../schemas/control/control-record.ts'
import { createMemoryBroker } from '../../src/broker/memory/broker.ts'
import { detector } from '../../src/detect/detector.ts'
import { until } from '../harness/until.ts'
import { metricValue } from './scrape.ts'
import { onStage, type Stage, updateOf } from './stage.ts'

const PAIRS = 40
/** The look-ahead prefetches for updates that it has seen before; a fixed clock decides how late reads are. */
const NOW_MS = Date.UTC(2026, 0, 5, 12)

/** Reads Bn and Cn when An is updated. */
const partner = detector('partner', {}, ({ pair }, prices) => {
  if (!pair.startsWith('A')) return
  prices.get('ethereum', pair.replace('A', 'B'))
  prices.get('ethereum', pair.replace('A', 'C'))
})

/** Rounds of updates for a node with a small L1. A round ends when its updates are handled and L2 has them. */
async function rounds(stage: Stage, node: ForewarmNode) {
  let updates = 0
  let timeMs = NOW_MS - 3_600_000
  const round = async (...letters: readonly string[]) => {
    timeMs += 1_000
    const pairs = letters.flatMap((letter) => Array.from({ length: PAIRS }, (_, n) => `${letter}${n}`))
    await stage.produce(...pairs.map((pair) => updateOf(pair, { eventTimeMs: timeMs })))
    updates += pairs.length
    await until('the round is handled', () => node.stats().updates === updates)
    await until('all is in L2', () => node.stats().l2.waitingEntries === 0)
  }
  await round('B', 'C')
  return round
}

function startNode(stage: Stage): Promise<ForewarmNode> {
  return stage.startNode({
    detectors: [partner],
    clock: { now: () => NOW_MS },
    config: {
      cache: { l1Slots: 20 },
      node: { lookAhead: 'await', lookAheadMs: 1_000 },
      warming: { controlShare: 0 },
    },
  })
}

describe('settings that change while a node runs', () => {
  test('take effect with the next update: the look-ahead ends and begins again', async () => {
    await onStage({ broker: createMemoryBroker() }, async (stage) => {
      const node = await startNode(stage)
      const round = await rounds(stage, node)
      const missesOf = async () => {
        const before = node.stats().reads.misses
        await round('A')
        return node.stats().reads.misses - before
      }
      for (let n = 0; n < 5; n++) await round('A')
      expect(await missesOf()).toBeLessThan(PAIRS / 4)
      expect(node.updateConfig({ node: { lookAhead: 'off' } }).origins.LOOK_AHEAD).toBe('update')
      expect(await missesOf()).toBeGreaterThan(PAIRS)
      node.updateConfig({ node: { lookAhead: 'await' } })
      expect(await missesOf()).toBeLessThan(PAIRS / 4)
      // A read after nine in ten updates is not likely enough any more.
      node.updateConfig({ warming: { minScore: 1 } })
      expect(await missesOf()).toBeGreaterThan(PAIRS)
      node.updateConfig({ warming: { minScore: undefined } })
      expect(await missesOf()).toBeLessThan(PAIRS / 4)
      await node.rollout.set({ controlShare: 0.5 })
      await round('A')
      expect(node.stats().warming.control.updates).toBeGreaterThan(PAIRS / 8)
    })
  })

  test('stay as they are if a record of the control topic sets anything that is not allowed, which is counted', async () => {
    await onStage({ broker: createMemoryBroker() }, async (stage) => {
      const node = await startNode(stage)
      const { controlTopic } = node.config.kafka
      const write = (version: number, value: object) =>
        stage.producer.sendBatch(controlTopic, [
          {
            partition: 0,
            key: controlKey(stage.service, 'config'),
            value: Buffer.from(JSON.stringify({ v: 1, id: `${version}`, version, by: 'ana', atMs: NOW_MS, value })),
          },
        ])
      await write(1, { WARMING_MAX_PAIRS: 4 })
      await until('the node follows', () => node.config.warming.maxPairs === 4)
      await write(2, { WARMING_MAX_PAIRS: 5, LOOK_AHEAD: 'sideways' })
      const refused = () => metricValue(node, 'arbitrage_control_records_refused_total', { reason: 'bad-value' })
      await until('it is counted', async () => (await refused()) === 1)
      expect([node.config.warming.maxPairs, node.config.node.lookAhead]).toEqual([4, 'await'])
      expect(() => node.updateConfig({ warming: { maxPairs: 6 } })).toThrow('the control topic sets it for all nodes')
    })
  })

  test('are told by getConfig and config, and stay if one of several is refused', async () => {
    await onStage({ broker: createMemoryBroker() }, async (stage) => {
      const node = await startNode(stage)
      const { config, origins } = node.getConfig()
      expect([config.node.lookAhead, origins.LOOK_AHEAD, origins.WARMING_STRATEGY]).toEqual([
        ...['await', 'argument', 'default'],
      ])
      const changes = { warming: { maxPairs: 3 }, http: { port: 1 } }
      expect(() => node.updateConfig(changes)).toThrow(
        /^http\.port \(update\): got a change while the node runs;[^\n]*$/,
      )
      expect(node.config).toBe(config)
      node.updateConfig({ warming: { maxPairs: 3 } })
      expect([node.config.warming.maxPairs, node.getConfig().config]).toEqual([3, node.config])
    })
  })
})
