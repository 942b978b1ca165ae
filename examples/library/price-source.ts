import { createCache, createWarming, type PriceValue } from '../../index.ts'

/** A source of prices that is not Kafka: a socket of a venue, a database, a file. */
type PriceSource = AsyncIterable<PriceValue & { readonly pair: string; readonly eventTimeMs: number }>

async function* ticker(): PriceSource {
  const startMs = Date.now() - 60_000
  for (let tick = 0; tick < 600; tick++) {
    for (const [pair, price] of [
      ['BTC-USD', 60_000],
      ['BTC-EUR', 55_000],
      ['EUR-USD', 1.09],
    ] as const)
      yield { pair, price: price * (1 + tick / 1e6), eventTimeMs: startMs + tick * 100 }
  }
}

const cache = await createCache({ l1SizeMb: 1, l2Enabled: false })
const warming = createWarming(cache)
let apart = 0

for await (const { pair, ...value } of ticker()) {
  // An update that is older than one before it is refused, and nothing has to be done because of it.
  if (cache.set(pair, { ...value }) !== 'stored') continue
  warming.tracker.recordPriceUpdate(pair, value.eventTimeMs)
  void warming.warmer.warmForPair(pair)
  const [usd, eur, rate] = await cache.getMany(['BTC-USD', 'BTC-EUR', 'EUR-USD'], { maxAgeMs: 120_000 })
  if (typeof usd !== 'object' || typeof eur !== 'object' || typeof rate !== 'object') continue
  if (Math.abs(usd.price / (eur.price * rate.price) - 1) > 0.0005) apart++
}

const { totalUpdates, totalPairs } = warming.tracker.getStats()
console.log(`${totalUpdates} updates of ${totalPairs} pairs; the triangle was open ${apart} times`)
await warming.close()
await cache.close()
