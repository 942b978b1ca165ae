import { expect, test } from '@jest/globals'
import { emptyPrice } from '../../src/cache/cached-price.ts'
import { readMany } from '../../src/cache/price-reads.ts'
import { settled } from '../harness/manual-timer.ts'
import { T0, TestCaches } from './caches.ts'
import { ControlledL2 } from './l2/controlled-l2.ts'

/** Reads prices as plain numbers; a price of 0 is stale. */
function readerOf(caches: TestCaches, isRenewed = true) {
  const { hierarchy, table } = caches
  const asked: string[] = []
  const read = (pairs: readonly string[]) =>
    readMany<number>(
      {
        hierarchy,
        holds: table.holds,
        chain: 'ethereum',
        ask: (pair) => {
          asked.push(pair)
          return table.ask('ethereum', pair)
        },
        get: (pairId, into) => hierarchy.get(pairId, into),
        readingOf: (_, __, { price }) => (price === 0 ? 'stale' : price),
        renew: (pairId) => (isRenewed ? hierarchy.renew(pairId) : undefined),
      },
      pairs,
    )
  return { asked, read }
}

async function storeInL2(caches: TestCaches, pair: string, price: number): Promise<void> {
  const pairId = caches.update(pair, price)
  await caches.writeBehind.flush()
  caches.l1.evict(pairId)
}

test('several pairs are answered in their order, from L1 and in one trip from L2', async () => {
  const caches = new TestCaches()
  await storeInL2(caches, 'B', 2)
  await storeInL2(caches, 'D', 4)
  caches.update('A', 1)
  const { asked, read } = readerOf(caches)
  expect(await read(['D', 'A', 'C', 'B'])).toEqual([4, 1, 'missing', 2])
  expect(asked).toEqual(['D', 'A', 'C', 'B'])
})

test('a pair of which L2 cannot tell is unavailable, one that it lacks is missing, and a late older value is unknown', async () => {
  const l2 = new ControlledL2()
  const caches = new TestCaches({ l2 })
  const { read } = readerOf(caches)
  const away = read(['A'])
  await settled()
  await l2.loads[0]?.fail()
  expect(await away).toEqual(['unavailable'])
  const pairId = caches.update('B', 1)
  const written = caches.writeBehind.flush()
  await l2.writes[0]?.succeed()
  await written
  caches.l1.evict(pairId)
  const answered = read(['A', 'B'])
  await settled()
  await l2.loads[1]?.answer([undefined, { ...emptyPrice(), version: 1, price: 9 }])
  expect(await answered).toEqual(['missing', 'unknown'])
})

test('a stale value is replaced by a newer one that L2 has', async () => {
  const caches = new TestCaches()
  const pairId = caches.update('A', 0)
  const { read } = readerOf(caches)
  caches.writeBehind.forget(pairId)
  const newer = new TestCaches({ l2: caches.l2 })
  newer.update('A', 5, { atMs: T0 + 1 })
  await newer.writeBehind.flush()
  expect(await read(['A'])).toEqual([5])
})

test('a stale value stays stale where L2 has nothing newer to ask for', async () => {
  const caches = new TestCaches()
  caches.update('A', 0)
  const { read } = readerOf(caches, false)
  expect(await read(['A'])).toEqual(['stale'])
})
