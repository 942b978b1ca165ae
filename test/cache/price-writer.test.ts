import { beforeEach, describe, expect, test } from '@jest/globals'
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

function write(pairId: number, price: number, atMs = T0, sequence?: number) {
  return writer.write(pairId, atMs, new Float64Array(NUMBER_COUNT).fill(price), 0, sequence)
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

describe('within one millisecond of a pair', () => {
  test('the update with the higher sequence wins, in whatever order they come', () => {
    expect([8, 7, 9, 3].map((sequence) => write(0, sequence, T0, sequence))).toEqual([
      'stored',
      'older',
      'stored',
      'older',
    ])
    expect(priceInL1(0)).toBe(9)
    expect([7, 8, 9].map((sequence) => write(1, sequence, T0, sequence))).toEqual(['stored', 'stored', 'stored'])
  })

  test('the later update wins where one of the two has no sequence, or both have the same', () => {
    const sequences = [100, Number.NaN, Number.NaN, 100, 101, Number.NaN]
    expect(sequences.map((sequence, price) => write(0, price, T0, sequence))).toEqual(Array(6).fill('stored'))
    expect(write(0, 9, T0, 99)).toBe('older')
    expect(priceInL1(0)).toBe(5)
  })

  test('a sequence of another millisecond has no say', () => {
    write(0, 1, T0, 100)
    write(0, 2, T0 + 1)
    expect(write(0, 3, T0 + 1, 50)).toBe('stored')
    expect(write(0, 4, T0 + 2, 1)).toBe('stored')
    expect(write(0, 5, T0 + 1, 1_000)).toBe('older')
  })

  test('the sequence decides over all its values, however far apart they are', () => {
    const sequences = [2047, 2048, 2049, 5_000, 2 ** 40, 2 ** 40 + 1, 2 ** 53 - 1]
    expect(sequences.map((sequence) => write(0, 1, T0, sequence))).toEqual(sequences.map(() => 'stored'))
    expect(sequences.slice(0, -1).map((sequence) => write(0, 2, T0, sequence))).toEqual(Array(6).fill('older'))
  })

  test('at least 2,048 updates with any rising sequences have a place', () => {
    const outcomes = Array.from({ length: 2048 }, (_, i) => write(0, i, T0, 2047 + i * 1_000))
    expect(new Set(outcomes)).toEqual(new Set(['stored']))
  })

  test('a sequence whose place has come round is newer than the last one of another node', () => {
    const held = emptyPrice()
    write(0, 8, T0, 2_046)
    caches.l1.peek(0, held)
    for (const [sequence, outcome] of [
      [2_050, 'stored'],
      [2_045, 'older'],
    ] as const) {
      writesTo(new TestCaches())
      caches.l1.fill(0, held)
      expect(write(0, 9, T0, sequence)).toBe(outcome)
    }
  })

  test('a sequence whose place has come round is not lost when L2 refuses it, and an older one is', async () => {
    for (const [sequence, left] of [
      [2_050, 9],
      [2_045, 8],
    ] as const) {
      const first = new TestCaches()
      first.table.register('ethereum', 'a')
      first.writer.write(0, T0, new Float64Array(NUMBER_COUNT).fill(8), 0, 2_046)
      await first.writeBehind.flush()
      writesTo(new TestCaches({ l2: first.l2 }))
      first.onRefused = (pairId, floor) => writer.refused(pairId, floor)
      expect(write(0, 9, T0, sequence)).toBe('stored')
      await caches.writeBehind.flush()
      await caches.writeBehind.flush()
      expect(await first.l2.load([0])).toMatchObject({ rows: [{ price: left }] })
      expect(priceInL1(0)).toBe(left === 9 ? 9 : undefined)
    }
  })

  test('an update with a sequence is newer than a deletion of that millisecond', async () => {
    await writer.delist(0, T0)
    expect(write(0, 9, T0, 1)).toBe('stored')
  })

  test('the sequence gives the version, so that after a restart or on another node an older update stays older', () => {
    const held = emptyPrice()
    write(0, 8, T0, 8)
    caches.l1.peek(0, held)
    writesTo(new TestCaches())
    write(0, 7, T0, 7)
    const other = emptyPrice()
    caches.l1.peek(0, other)
    expect(held.version).toBeGreaterThan(other.version)
    writesTo(new TestCaches())
    caches.l1.fill(0, held)
    expect([7, 9].map((sequence) => write(0, sequence, T0, sequence))).toEqual(['older', 'stored'])
  })
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
  caches.l1.fill(0, { ...emptyPrice(), version: T0 * 4096, price: 8 })
  await delisting
  expect(priceInL1(0)).toBeUndefined()
})

test('a value that comes after a deletion, and before L2 has answered to that, stays', async () => {
  write(0, 7)
  const delisting = writer.delist(0, T0)
  expect(write(0, 6, T0 - 1)).toBe('older')
  expect(write(0, 8, T0 + 1)).toBe('stored')
  await delisting
  await caches.writeBehind.flush()
  expect([priceInL1(0), await caches.l2.load([0])]).toMatchObject([8, { rows: [{ price: 8 }] }])
})

test('a deletion that L2 did not take is sent again, so that L2 does not keep the value', async () => {
  const { l2 } = caches
  const deleteInL2 = l2.delete.bind(l2)
  l2.delete = async () => AWAY
  writesTo(new TestCaches({ l2 }))
  write(0, 7)
  await caches.writeBehind.flush()
  expect(await writer.delist(0)).toBe('unavailable')
  expect(caches.writeBehind.pending(0, emptyPrice())).toBe(false)
  l2.delete = deleteInL2
  await caches.timer.advance(200)
  expect(await caches.l2.load([0])).toEqual({ status: 'loaded', rows: [undefined] })
})

test('a deletion up to a time leaves a newer value, in this process and in L2, and takes what is not newer', async () => {
  write(0, 7, T0 + 1)
  expect(await writer.delist(0, T0, { onlyUpTo: true })).toBe('older')
  expect(priceInL1(0)).toBe(7)
  await caches.writeBehind.flush()
  const other = new TestCaches({ l2: caches.l2 })
  const elsewhere = new PriceWriter({ ...other, tracker: { forget: () => undefined } })
  expect(await elsewhere.delist(0, T0, { onlyUpTo: true })).toBe('older')
  expect(await caches.l2.load([0])).toMatchObject({ rows: [{ price: 7 }] })
  expect(await elsewhere.delist(0, T0 + 1, { onlyUpTo: true })).toBe('delisted')
  expect(await elsewhere.delist(0, T0 + 1, { onlyUpTo: true })).toBe('delisted')
  expect(await caches.l2.load([0])).toEqual({ status: 'loaded', rows: [undefined] })
})

test('a delisting while L2 is away says so', async () => {
  writesTo(new TestCaches({ l2: Object.assign(new ControlledL2(), { delete: async () => AWAY }) }))
  write(0, 7)
  expect(await writer.delist(0)).toBe('unavailable')
  expect(priceInL1(0)).toBeUndefined()
})

const AWAY = { status: 'unavailable', reason: 'away' } as const
