import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { createMemoryBroker } from '../../src/broker/memory.ts'
import { detector } from '../../src/detect/detector.ts'
import { until } from '../harness/until.ts'
import { onStage, updateOf } from './stage.ts'

test('a node recommends what its detectors read, and remembers it when it is closed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'forewarm-node-patterns-'))
  const config = { prediction: { store: join(folder, 'patterns.json') } }
  const reader = detector('reader', {}, (_, prices) => void prices.get('ethereum', 'READ'))
  try {
    await onStage({ broker: createMemoryBroker() }, async (stage) => {
      const node = await stage.startNode({ detectors: [reader], config })
      await stage.produce(...['A', 'B', 'C'].map((pair) => ({ ...updateOf(pair), group: 'sector' })))
      await until('the updates are handled', () => node.stats().updates === 3)
      expect(node.predictor.recommendations()).toMatchObject([{ chain: 'ethereum', pair: 'READ', kind: 'popular' }])
      expect(node.predictor.stats()).toEqual({ totalAccesses: 3, uniquePairs: 1, top10: ['READ'] })
      expect(node.predictor.pattern('ethereum', 'READ')?.frequencyPerHour).toBeGreaterThan(0)
      expect(node.predictor.pattern('ethereum', 'A')).toBeUndefined()
      await node.close()
      const next = await stage.startNode({ detectors: [reader], config })
      expect(next.predictor.stats()).toEqual({ totalAccesses: 3, uniquePairs: 1, top10: ['READ'] })
      expect(next.predictor.importPatterns({ version: 2 })).toEqual({
        problem: expect.stringContaining('expected kind'),
      })
    })
  } finally {
    rmSync(folder, { recursive: true })
  }
})
