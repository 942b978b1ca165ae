import { expect, test } from '@jest/globals'
import {
  type Cache,
  type CacheWarming,
  createAdaptiveWarming,
  createCache,
  createThresholdWarming,
  createTopNWarming,
  createWarming,
} from '../../index.ts'

/** Each line is refused by `npm run types`, which also refuses a remark without an error below it. Never called. */
async function wrongUse(cache: Cache, { tracker, warmer, predictor, scheduler, metrics }: CacheWarming): Promise<void> {
  // @ts-expect-error a warming works beside a cache, not beside its promise
  createWarming(createCache())
  // @ts-expect-error the cache comes first
  createTopNWarming(5, 0.3)
  // @ts-expect-error a number, not options
  createTopNWarming(cache, { topN: 5 })
  // @ts-expect-error options, not a number
  createThresholdWarming(cache, 0.3)
  // @ts-expect-error a misspelt option
  createAdaptiveWarming(cache, { targetHitrate: 0.97 })
  // @ts-expect-error the strategy is chosen already
  createTopNWarming(cache, 5, 0.3, { strategy: 'adaptive' })
  // @ts-expect-error there is no such option
  createWarming(cache, { asyncWarming: false })
  // @ts-expect-error a share, not a switch
  createWarming(cache, { rollout: { controlShare: true } })
  // @ts-expect-error a price has a number as its price
  cache.set('A', { price: '1' })
  // @ts-expect-error a price is needed
  cache.set('A', { bid: 1 })
  // @ts-expect-error a time is milliseconds
  tracker.recordPriceUpdate('A', new Date())
  // @ts-expect-error one pair
  tracker.recordPriceUpdate(['A'])
  // @ts-expect-error names of pairs
  await warmer.warmPairs('A')
  // @ts-expect-error hours are a number
  await warmer.warmTrending({ windowHours: '24' })
  // @ts-expect-error a misspelt option
  await warmer.warmPopular({ limits: 10 })
  // @ts-expect-error what it goes by is read-only
  warmer.getConfig().timeoutMs = 5
  // @ts-expect-error pairs of now
  predictor.next('A')
  // @ts-expect-error hit is a fact
  predictor.recordAccess('A', { hit: 1 })
  // @ts-expect-error it is not awaited
  await scheduler.start().finally()
  // @ts-expect-error two forms
  metrics.export('xml')
  const reading = cache.get('A')
  // @ts-expect-error it may be missing
  reading.price.toFixed()
}

test('wrong use of a cache and its warming is a compile error', () => expect(wrongUse).toBeInstanceOf(Function))
