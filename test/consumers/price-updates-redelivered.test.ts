import { expect, test } from '@jest/globals'
import { ConsumerStage, json, tombstone, update } from './price-updates-stage.ts'

test('a redelivered record does not bring back an older value of its millisecond', async () => {
  const stage = new ConsumerStage()
  const records = [1, 2, 3].map((price) => json(update('a', { price })))
  await stage.handle(...records)
  await stage.handleAt(0n, ...records.slice(0, 2))
  expect(stage.price('a')).toBe(3)
  expect(stage.seen.map(({ price }) => price)).toEqual([1, 2, 3])
  expect(stage.caches.count('drops_total', { reason: 'redelivered' })).toBe(2)
})

test('new records behind a redelivered one are handled', async () => {
  const stage = new ConsumerStage()
  const records = [1, 2, 3, 4].map((price) => json(update('a', { price })))
  await stage.handle(...records.slice(0, 2))
  await stage.handleAt(0n, ...records)
  expect(stage.seen.map(({ price }) => price)).toEqual([1, 2, 3, 4])
})

test('a topic that begins anew at offset 0 is read, because its updates are newer', async () => {
  const stage = new ConsumerStage()
  const { eventTimeMs } = update('a')
  await stage.handle(json(update('a', { price: 1 })), json(update('a', { price: 2 })))
  await stage.handleAt(0n, json(update('a', { price: 3, eventTimeMs: eventTimeMs + 1 })))
  expect(stage.price('a')).toBe(3)
})

test('a redelivered tombstone does not delist a pair that was listed again', async () => {
  const stage = new ConsumerStage()
  const records = [json(update('a', { price: 1 })), tombstone('a'), json(update('a', { price: 2 }))]
  await stage.handle(...records)
  await stage.handleAt(0n, ...records)
  expect(stage.price('a')).toBe(2)
  expect(stage.caches.count('pairs_delisted_total')).toBe(1)
})
