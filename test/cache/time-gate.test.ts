import { expect, test } from '@jest/globals'
import { emptyPrice, VERSIONS_PER_MS } from '../../src/cache/cached-price.ts'
import { createMemoryL2 } from '../../src/cache/l2/memory.ts'
import { TimeGate } from '../../src/cache/time-gate.ts'
import { virtualClock } from '../../src/clock.ts'
import { createCache } from '../../standalone/cache.ts'
import { openedCache } from '../../standalone/levels.ts'
import { T0 } from './caches.ts'
import { columnsOf } from './l2/columns.ts'

const YEAR_MS = 365 * 86_400_000

test('a stored value is kept out from a minute ahead of the clock on, and the values beside it are read', async () => {
  const clock = virtualClock(T0)
  const l2 = createMemoryL2({ clock, random: () => 0.5, ttlMs: YEAR_MS })
  let keptOut = 0
  new TimeGate(clock, () => keptOut++).before(l2)
  const versions = [T0 + 60_000, T0 + 60_001, T0 + YEAR_MS].map((ms) => ms * VERSIONS_PER_MS)
  await l2.write(columnsOf(versions.map((version, pairId) => ({ pairId, version }))), 0, 3)
  const rowsOf = async () => {
    const load = await l2.load([0, 1, 2, 3])
    return load.status === 'loaded' && load.rows.map((row) => row?.version)
  }
  expect([await rowsOf(), keptOut]).toEqual([[versions[0], undefined, undefined, undefined], 2])
  clock.advanceTo(T0 + 1)
  expect(await rowsOf()).toEqual([versions[0], versions[1], undefined, undefined])
})

test('a value from a year ahead in L2 is not read, and freezes no pair', async () => {
  const clock = virtualClock(T0)
  const cache = await createCache({ l2Enabled: false, env: {}, clock })
  const caches = openedCache(cache)?.caches
  if (caches === undefined) throw new Error('the cache is not open')
  const pairId = caches.table.register('default', 'A')
  await caches.l2.write(columnsOf([{ pairId, version: (T0 + YEAR_MS) * VERSIONS_PER_MS, price: 9 }]), 0, 1)
  expect(await cache.getOrLoad('A')).toBe('missing')
  expect(cache.set('A', { price: 1 })).toBe('stored')
  // L2 refuses this write, and says what it has.
  await caches.writeBehind.flush()
  expect(cache.get('A')).toMatchObject({ price: 1 })
  clock.advanceTo(T0 + 1)
  expect(cache.set('A', { price: 2 })).toBe('stored')
  const held = emptyPrice()
  expect([caches.l1.peek(pairId, held), held.price]).toEqual([true, 2])
  await cache.close()
})
