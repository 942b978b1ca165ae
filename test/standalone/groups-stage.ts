import { virtualClock } from '../../src/clock.ts'
import { type Cache, createCache } from '../../standalone/cache.ts'
import { type CacheWarming, createWarming } from '../../standalone/warming/warming.ts'
import { mulberry32 } from '../harness/mulberry32.ts'

export const GROUPS = 40
export const GROUP = 5

let opened: { close(): Promise<void> }[] = []

/** Closes all that was opened, twice. */
export async function closeAll(): Promise<void> {
  for (const each of opened.reverse()) {
    await each.close()
    await each.close()
  }
  opened = []
}

export function closedLater<T extends { close(): Promise<void> }>(each: T): T {
  opened.push(each)
  return each
}

/** A cache of two hundred pairs in groups of five; L1 has room for one pair in five. */
export async function filled(): Promise<Cache> {
  const clock = virtualClock(1_780_000_000_000)
  const cache = await createCache({ l1Slots: (GROUPS * GROUP) / 5, l2Enabled: false, env: {}, clock })
  closedLater(cache)
  for (let pair = 0; pair < GROUPS * GROUP; pair++) cache.set(`P${pair}`, { price: pair + 1 })
  return cache
}

export function warming(cache: Cache, options: Parameters<typeof createWarming>[1] = {}): CacheWarming {
  return closedLater(createWarming(cache, options))
}

/** Reads random groups, the pairs of each in turn; warms in flight arrive between two reads. */
export async function readGroups(cache: Cache, times: number): Promise<void> {
  const random = mulberry32(3)
  for (let i = 0; i < times; i++) {
    const first = Math.floor(random() * GROUPS) * GROUP
    for (let pair = first; pair < first + GROUP; pair++) {
      cache.get(`P${pair}`)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
}

export function hitRatio(cache: Cache): number {
  const { hits, misses } = cache.stats().levels.L1
  return hits / (hits + misses)
}
