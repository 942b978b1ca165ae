import { expect, test } from '@jest/globals'
import { ConsumerStage, json, update } from './price-updates-stage.ts'

test('an update with a lower sequence than one of the same millisecond is older, in one frame or in two records', async () => {
  const stage = new ConsumerStage()
  await stage.handle(json([8, 7].map((sequence) => update('a', { sequence, price: sequence }))))
  await stage.handle(json(update('b', { sequence: 8, price: 8 })), json(update('b', { sequence: 7, price: 7 })))
  expect([stage.price('a'), stage.price('b'), stage.seen.length]).toEqual([8, 8, 2])
  expect(stage.caches.count('drops_total', { reason: 'older' })).toBe(2)
})
