import { beforeEach, expect, test } from '@jest/globals'
import { NUMBER_COUNT } from '../../schemas/price-update.ts'
import { emptyPrice } from '../../src/cache/cached-price.ts'
import { PriceWriter } from '../../src/cache/price-writer.ts'
import { T0, TestCaches } from './caches.ts'
import { ControlledL2 } from './l2/controlled-l2.ts'

let caches: TestCaches
let forgotten: number[]
let writer: PriceWriter

beforeEach(() => writesTo(new TestCaches()))

function writesTo(given: TestCaches): void {
  caches = given
  forgotten = []
  writer = new PriceWriter({ ...caches, tracker: { forget: (pairId) => forgotten.push(pairId) } })
}

function write(pairId: number, price: number, atMs = T0) {
  return writer.write(pairId, atMs, new Float64Array(NUMBER_COUNT).fill(price), 0)
}

function priceInL1(pairId: number): number | undefined {
  const record = emptyPrice()
  return caches.l1.peek(pairId, record) ? record.price : undefined
}

test('an update that is written is in L1 and waits for L2', () => {
  expect(write(0, 7)).toBe('stored')
  const waiting = emptyPrice()
  expect([priceInL1(0), caches.writeBehind.pending(0, waiting), waiting.price]).toEqual([7, true, 7])
})

test('an update with an older event time is refused, and leaves both levels as they are', () => {
  write(0, 7)
  expect(write(0, 6, T0 - 1)).toBe('older')
  const waiting = emptyPrice()
  expect([priceInL1(0), caches.writeBehind.pending(0, waiting), waiting.price]).toEqual([7, true, 7])
})

test('the 4,097th update of a pair in one millisecond is refused by a name of its own', () => {
  for (let place = 0; place < 4096; place++) expect(write(0, place)).toBe('stored')
  expect(write(0, 7)).toBe('too-many-in-ms')
  expect(priceInL1(0)).toBe(4095)
})

test('a delisted pair is in no level, waits for none, and is forgotten by the tracker', async () => {
  write(0, 7)
  await caches.writeBehind.flush()
  expect(await writer.delist(0)).toBe('delisted')
  expect(await caches.l2.load([0])).toEqual({ status: 'loaded', rows: [undefined] })
  expect([priceInL1(0), caches.writeBehind.pending(0, emptyPrice()), forgotten]).toEqual([undefined, false, [0]])
})

test('a load that answers while its pair is delisted does not bring the value back', async () => {
  const l2 = new ControlledL2()
  writesTo(new TestCaches({ l2 }))
  write(0, 7)
  const delisting = writer.delist(0)
  caches.l1.fill(0, { ...emptyPrice(), version: (T0 + 1) * 4096, price: 8 })
  await delisting
  expect(priceInL1(0)).toBeUndefined()
})

test('a delisting while L2 is away says so', async () => {
  writesTo(new TestCaches({ l2: Object.assign(new ControlledL2(), { delete: async () => AWAY }) }))
  write(0, 7)
  expect(await writer.delist(0)).toBe('unavailable')
  expect(priceInL1(0)).toBeUndefined()
})

const AWAY = { status: 'unavailable', reason: 'away' } as const
