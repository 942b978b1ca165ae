import { afterEach, expect, test } from '@jest/globals'
import { type ChoiceSources, choose } from '../../node/tasks/warm-wish.ts'
import { virtualClock } from '../../src/clock.ts'
import { createCache } from '../../standalone/cache.ts'
import { openedCache } from '../../standalone/levels.ts'

const HOUR_MS = 3_600_000
const opened: { close(): Promise<void> }[] = []

afterEach(async () => {
  for (const each of opened.splice(0)) await each.close()
})

/** What a node's history knows: LATE is read all the time, EARLY was until five hours ago. */
async function sources(): Promise<Omit<ChoiceSources, 'onlyWorthwhile'>> {
  const clock = virtualClock(1_780_000_000_000)
  const cache = await createCache({ l2Enabled: false, env: {}, clock })
  opened.push(cache)
  const parts = openedCache(cache)
  if (parts === undefined) throw new Error('a cache expected')
  const { caches, chain } = parts
  for (let hour = 0; hour < 48; hour++) {
    for (let times = 0; times < 5; times++)
      for (const pair of hour < 43 ? ['LATE', 'EARLY'] : ['LATE'])
        caches.prediction.onRead?.(caches.table.register(chain, pair), clock.now())
    clock.advanceTo(clock.now() + HOUR_MS)
  }
  return { caches, nowMs: clock.now(), popularLimit: 10, sureFrom: 0.9 }
}

test('a schedule warms the pairs that are worth it; somebody who asks gets all', async () => {
  const known = await sources()
  const pairsOf = (onlyWorthwhile: boolean) => {
    const chosen = choose({ strategy: 'popular', pairs: [] }, { ...known, onlyWorthwhile })
    return chosen.ok ? chosen.requests.flatMap(({ pairs }) => pairs) : chosen.errors
  }
  expect(pairsOf(false)).toEqual(['LATE', 'EARLY'])
  expect(pairsOf(true)).toEqual(['LATE'])
})
