import { expect, test } from '@jest/globals'
import { createNode } from '../../node/node.ts'
import { createMemoryBroker } from '../../src/broker/memory/broker.ts'
import type { Detector } from '../../src/detect/detector.ts'
import { onStage } from './stage.ts'

test('a node rejects options out of range, and says what it expected', async () => {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const node = await stage.node()
    const { predictor } = node
    const whole = 'limit: expected a whole number from 0 to 9007199254740991, got'
    const asked: readonly (readonly [what: () => unknown, message: string])[] = [
      [() => node.pairsToWarm('ethereum', 'A', { limit: -1 }), `${whole} -1`],
      [() => node.pairsToWarm('ethereum', 'A', { limit: Number.NaN }), `${whole} NaN`],
      [() => node.pairsToWarm('ethereum', 'A', { minScore: 2 }), 'minScore: expected a number from 0 to 1, got 2'],
      [() => predictor.recommendations({ limit: 1.5 }), `${whole} 1.5`],
      [
        () => predictor.recommendations({ lookAheadHours: 0 }),
        'lookAheadHours: expected a whole number from 1 to 24, got 0',
      ],
      [() => predictor.patterns(-1), `${whole} -1`],
    ]
    for (const [ask, message] of asked)
      expect(ask).toThrow(expect.objectContaining({ name: 'ForewarmError', code: 'bad-value', message }))
  })
})

test.each([
  ['a function in the place of a detector', () => undefined, 'function'],
  ['a detector whose chains are a list', { name: 'list', chains: ['ethereum'], detect: () => undefined }, 'object'],
])('%s is rejected with its place in the list', async (_, notOne, got) => {
  const detectors = [notOne] as unknown as readonly Detector[]
  await expect(createNode({ env: {}, l2: 'memory', broker: createMemoryBroker(), detectors })).rejects.toMatchObject({
    code: 'bad-value',
    message: `detectors[0]: expected what detector(name, subscription, function) makes, got ${got}`,
  })
})
