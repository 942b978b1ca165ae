import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { createCache } from '../../index.ts'

// The service writes L1, and two threads beside it read the same memory.
const cache = await createCache({ l1SizeMb: 1, l2Enabled: false, chain: 'ethereum' })
const workers = ['first', 'second'].map(
  (name) =>
    new Worker(new URL('../threads/reader.ts', import.meta.url), { workerData: { name, prices: cache.sharedPrices } }),
)
const feed = setInterval(() => cache.set('WETH/USDC', { price: 3000 + Math.random() }), 10)
await Promise.all(workers.map((worker) => once(worker, 'exit')))
clearInterval(feed)
await cache.close()
