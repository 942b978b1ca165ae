import { createCache, createWarming } from '../index.ts'

/** Prices in L1 and L2 for a service that has its own feed instead of Kafka. Without Redis, L2 is memory of this process. */
const cache = await createCache({ l1SizeMb: 16, l2Enabled: process.env.REDIS_URL !== undefined })
/** Loads into L1 the pairs that, judging by earlier reads, will be read next. */
const warming = createWarming(cache)

cache.set('WETH/USDC', { price: 3120.5, bid: 3120.1, ask: 3120.9 })
const older = cache.set('WETH/USDC', { price: 3119, eventTimeMs: Date.now() - 60_000 })
const reading = cache.get('WETH/USDC', { maxAgeMs: 500 })
if (typeof reading === 'object') console.log(`${reading.pair} at ${reading.price}; a minute-old price was ${older}`)

console.log(`USDC/DAI is ${await cache.getOrLoad('USDC/DAI')}`)
await warming.close()
await cache.close()
