import { expect, test } from '@jest/globals'
import { ConsumerStage, json, update } from './price-updates-stage.ts'

test('updates with prices of more digits than a double holds are handled and counted, and their topic is told once', async () => {
  const stage = new ConsumerStage()
  const long = (pair: string) => json({ ...update(pair), price: '1.234567890123456789' })
  await stage.handle(long('a'), json(update('b')), json({ ...update('c'), price: '0.5' }))
  await stage.handle(long('a'), json({ ...update('c'), price: '1.234567890123456789', bid: -1 }))
  expect(stage.price('a')).toBe(Number('1.234567890123456789'))
  expect(stage.caches.count('rounded_updates_total')).toBe(2)
  expect([stage.roundedTopics, stage.reasons]).toEqual([['prices'], [[1, 'negative']]])
})

test('a rounded update that comes again is counted once', async () => {
  const stage = new ConsumerStage()
  const records = ['a', 'b'].map((pair) => json({ ...update(pair), price: '1.234567890123456789' }))
  await stage.handle(...records.slice(0, 1))
  await stage.handleAt(0n, ...records)
  expect(stage.caches.count('rounded_updates_total')).toBe(2)
})
