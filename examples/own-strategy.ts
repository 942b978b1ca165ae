import { createCache, createWarming, type OwnStrategy, topN } from '../index.ts'
import { expectStrategy } from '../testing.ts'

const best = topN({ topN: 3, minScore: 0.2 })

/** The best three pairs. While most warms go unread, only the best one. */
const careful: OwnStrategy = {
  name: 'careful',
  maxPairs: 3,
  minScore: 0.2,
  select: (context) => {
    const { selected, reason } = best.select(context)
    if ((context.accuracyByKind.prediction ?? 1) >= 0.5) return { selected, reason }
    return { selected: selected.slice(0, 1), reason: 'the likeliest, as most warms go unread' }
  },
}

// In a project of your own, this belongs into a test.
expectStrategy(careful)

/** The share of reads that L1 answers. It has room for one pair in five; the pairs are read in groups of five. */
async function hitRatio(strategy?: OwnStrategy): Promise<string> {
  const cache = await createCache({ l1Slots: 40, l2Enabled: false })
  const warming = strategy && createWarming(cache, { strategy, warmerConfig: { asyncWarming: false } })
  for (let pair = 0; pair < 200; pair++) cache.set(`P${pair}`, { price: pair + 1 })
  for (let group = 0; group < 400; group++) {
    const first = ((group * 17) % 40) * 5
    for (let pair = first; pair < first + 5; pair++) await cache.getOrLoad(`P${pair}`)
  }
  const { hits, misses } = cache.stats().levels.L1
  await warming?.close()
  await cache.close()
  return `${Math.round((100 * hits) / (hits + misses))} %`
}

console.log(`L1 answers ${await hitRatio(careful)} of the reads with the strategy careful, ${await hitRatio()} without`)
