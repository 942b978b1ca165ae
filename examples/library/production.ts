import { createServer } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { createAdaptiveWarming, createCache } from '../../index.ts'

// Prices in shared memory, with Redis behind it if there is one; at most ten pairs a warm, fewer once 97 % of the reads hit.
const cache = await createCache({ l1Slots: 200, l2Enabled: process.env.REDIS_URL !== undefined })
const warming = createAdaptiveWarming(
  cache,
  { targetHitRate: 0.97, minPairs: 3, maxPairs: 10, minScore: 0.3 },
  { rollout: { mode: 'full', controlShare: 0.1 }, metricsConfig: { labels: { app: 'spreads' } } },
)

/** Says how the warming does: 503 when most of its warms fail. */
function health(): { status: number; body: string } {
  const { successRate = 1, totalWarmingOps, hitRateImprovement } = warming.warmer.getStats()
  const { totalPairs, totalUpdates } = warming.tracker.getStats()
  const body = JSON.stringify({ totalPairs, totalUpdates, totalWarmingOps, successRate, hitRateImprovement })
  return { status: successRate < 0.5 ? 503 : 200, body }
}

const server = createServer((request, response) => {
  if (request.url === '/metrics') {
    response.writeHead(200, { 'content-type': warming.metrics.contentType }).end(warming.metrics.export('prometheus'))
    return
  }
  const { status, body } = health()
  response.writeHead(status, { 'content-type': 'application/json' }).end(body)
}).listen(0, '127.0.0.1')

/** Stands for the service's own feed: an update of a pair, and what is read because of it. */
async function handle(pair: number): Promise<void> {
  const names = [pair, (pair + 1) % 1_000, (pair + 500) % 1_000].map((each) => `P${each}`)
  const [updated = '', ...others] = names
  cache.set(updated, { price: 100 + Math.random() })
  warming.tracker.recordPriceUpdate(updated)
  await warming.warmer.warmForPair(updated)
  for (const other of others) cache.get(other)
}

for (let pair = 0; pair < 1_000; pair++) cache.set(`P${pair}`, { price: 100 })
for (let update = 0; update < 4_000; update++) {
  await handle((update * 7) % 1_000)
  if (update % 20 === 0) await wait(10)
}

const address = server.address()
const port = typeof address === 'object' ? address?.port : undefined
const answer = await fetch(`http://127.0.0.1:${port}/health`)
console.log(`health: ${answer.status} ${await answer.text()}`)
const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
console.log(
  metrics
    .split('\n')
    .filter((line) => line.startsWith('arbitrage_cache_hits_total'))
    .join('\n'),
)
server.close()
await warming.close()
await cache.close()
