import { createCache, createWarming, virtualClock } from '../../index.ts'

// Reads that another cache has answered, or another process: as a log of them has them, with their own times.
const HOUR_MS = 3_600_000
const clock = virtualClock(Date.UTC(2026, 5, 1))
const cache = await createCache({ l1Slots: 50, l2Enabled: false, clock })
const warming = createWarming(cache)
for (let pair = 0; pair < 200; pair++) cache.set(`P${pair}`, { price: 100, eventTimeMs: clock.now() })

// A week in which P0 to P9 are read all day, and P100 to P104 at nine o'clock.
for (let hour = 0; hour < 7 * 24; hour++) {
  clock.advanceTo(clock.now() + HOUR_MS)
  for (let pair = 0; pair < 10; pair++)
    warming.predictor.recordAccess(`P${pair}`, { atMs: clock.now(), hit: true, latencyMs: 0.2 })
  if (hour % 24 !== 8) continue
  for (let pair = 100; pair < 105; pair++)
    warming.predictor.recordAccess(`P${pair}`, { atMs: clock.now(), hit: false, latencyMs: 3 })
}

const { totalAccesses, uniquePairs, recorded } = warming.predictor.stats()
console.log(
  `${totalAccesses} reads of ${uniquePairs} pairs, ${(100 * (recorded.hitRatio ?? 0)).toFixed(1)} % of them hits`,
)
// It is nine o'clock.
clock.advanceTo(clock.now() + 9 * HOUR_MS)
const soon = warming.predictor.timeOfDay({ lookAheadHours: 1 }).map(({ pair }) => pair)
console.log(
  `usual in the hour that begins: ${soon
    .filter((pair) => pair.length === 4)
    .sort()
    .join(' ')}`,
)
const { pairsWarmed, pairsAlreadyInL1 } = await warming.warmer.warmTimeOfDay({ lookAheadHours: 1 })
console.log(`${pairsWarmed} warmed, ${pairsAlreadyInL1} in L1 already`)
const saved = warming.predictor.exportPatterns()
console.log(`the patterns of ${saved.pairs.length} pairs can be stored`)
await warming.close()
await cache.close()
