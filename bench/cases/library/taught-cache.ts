import { type Cache, type CacheWarming, createCache, createTopNWarming } from '../../../index.ts'
import { CHAIN, L2_PAIRS } from '../../stages/l2-stage.ts'

export const FIVE = 5
const HOUR_MS = 3_600_000
/** Each is followed by five pairs of its own. */
export const SOURCES = L2_PAIRS / FIVE

/** A cache whose L1 is empty, and a warming beside it that knows which five pairs are read after each source. */
export interface TaughtCache {
  readonly cache: Cache
  readonly warming: CacheWarming
  close(): Promise<void>
}

export async function openTaughtCache(redisUrl: string, pairName: (pair: number) => string): Promise<TaughtCache> {
  const env = { REDIS_URL: redisUrl, REDIS_COMMAND_TIMEOUT_MS: '5000', PREDICTION_ENABLED: 'false' }
  const cache = await createCache({ chain: CHAIN, l1Slots: L2_PAIRS * 4, env })
  const warming = createTopNWarming(cache, FIVE, 0.3, { warmerConfig: { timeoutMs: 1_000 } })
  for (let source = 0; source < SOURCES; source++) {
    warming.tracker.recordPriceUpdate(sourceName(source))
    // Reads that were made elsewhere teach the same, and leave L1 empty.
    for (let i = 0; i < FIVE; i++) warming.predictor.recordAccess(pairName(source * FIVE + i))
  }
  return {
    cache,
    warming,
    close: () => closeBoth(warming, cache),
  }
}

/** The same without sources: the pairs are known to be read a lot. */
export async function openReadCache(
  redisUrl: string,
  { pairs, pairName }: { readonly pairs: number; readonly pairName: (pair: number) => string },
): Promise<TaughtCache> {
  const env = { REDIS_URL: redisUrl, REDIS_COMMAND_TIMEOUT_MS: '5000' }
  const cache = await createCache({ chain: CHAIN, l1Slots: L2_PAIRS, env })
  const warming = createTopNWarming(cache, FIVE, 0.3, { warmerConfig: { timeoutMs: 1_000 } })
  const nowMs = Date.now()
  for (let hoursAgo = 47; hoursAgo >= 0; hoursAgo--)
    for (let pair = 0; pair < pairs; pair++)
      for (let times = 0; times < 3; times++)
        warming.predictor.recordAccess(pairName(pair), { atMs: nowMs - hoursAgo * HOUR_MS })
  await cache.getOrLoad('none')
  return { cache, warming, close: () => closeBoth(warming, cache) }
}

async function closeBoth(warming: CacheWarming, cache: Cache): Promise<void> {
  await warming.close()
  await cache.close()
}

export function sourceName(source: number): string {
  return `S${source}`
}

/** Throws unless all five pairs were warmed. */
export async function warmFive({ warming }: TaughtCache, source: number): Promise<void> {
  const { pairsWarmed, ...report } = await warming.warmer.warmForPair(sourceName(source))
  if (pairsWarmed !== FIVE) throw new Error(`five pairs warmed expected: ${JSON.stringify({ pairsWarmed, ...report })}`)
}
