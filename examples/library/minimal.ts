import { createCache, createTopNWarming } from '../../index.ts'

const cache = await createCache({ l2Enabled: false })
const { tracker, warmer, close } = createTopNWarming(cache, 5, 0.3)
for (const pair of ['BTC-USD', 'ETH-USD', 'SOL-USD']) cache.set(pair, { price: 100 })
tracker.recordPriceUpdate('BTC-USD') // The feed has a new price,
cache.get('ETH-USD') // and the service reads another one because of it.
for (const { pair, reason } of tracker.getPairsToWarm('BTC-USD')) console.log(`${pair}: ${reason}`)
const { pairsWarmed, pairsAlreadyInL1 } = await warmer.warmForPair('BTC-USD')
console.log(`${pairsWarmed} warmed, ${pairsAlreadyInL1} in L1 already`)
await close()
await cache.close()
