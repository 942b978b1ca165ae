import type { PriceSight, SeenPrice } from '../../src/cache/freshness/price-sight.ts'
import type { Operations, WarmingHealth } from '../../src/http/operations.ts'

/** The operations of an invented node. */
export const HEALTH: WarmingHealth = {
  tracker: { totalPairs: 3, totalUpdates: 100 },
  warmer: { totalWarmingOps: 7, totalPairsWarmed: 20, successRate: 0.5 },
  benefit: {
    hitRateImprovement: { points: 12, low: 8, high: 16 },
    coverage: 0.5,
    accuracy: 0.9,
    control: { updates: 40, reads: 80, hitRatio: 0.8 },
    warmed: { updates: 400, reads: 800, hitRatio: 0.92 },
  },
  freshness: {
    followed: { pairs: 3, reads: 60, largestBehindMs: 12 },
    foreign: { pairs: 2, reads: 40, largestBehindMs: null, invalidations: 7, rereads: 6, losses: 1 },
  },
  checks: [{ name: 'consumer', status: 'ok' }],
}

const LEVEL = { hits: 3, misses: 1, hit_rate_pct: 75, latency_ms: { p50: 0.001 } }
export const HIERARCHY = {
  overall: { overall_hit_rate_pct: 100, requests_per_s: 4, latency_ms: {} },
  levels: { L1: LEVEL, L2: LEVEL, L3: LEVEL },
}
export const RECOMMENDED = { chain: 'fx', pair: 'EUR_USD', confidence: 0.8, kind: 'popular', reason: '' } as const
export const PATTERNS = { kind: 'forewarm-patterns', version: 1, firstHour: 1, lastHour: 2, pairs: [] } as const
export const PATTERN = {
  ...{ chain: 'fx', pair: 'EUR_USD', frequencyPerHour: 3.5, peakHours: [8, 13], confidence: 0.9 },
  sessions: {},
}
export const OPTIMIZED = {
  promoted: 2,
  notPromoted: 1,
  demoted: 0,
  expired: 3,
  durationMs: 1.5,
  reason: 'two were missed',
}

export const SEEN: SeenPrice = {
  ...{ status: 'found', chain: 'ethereum', pair: 'WETH/USDC', price: 2_000, eventTimeMs: 1, ageMs: 5, behindMs: 7 },
  ...{ version: 4_096, level: 'L1', kind: 'foreign', source: 'prices.ethereum/3' },
}

export const OPERATIONS: Operations = {
  metrics: async () => ({ body: '# nothing\n', contentType: 'text/plain; version=0.0.4; charset=utf-8' }),
  live: () => [{ name: 'loop', status: 'ok' }],
  ready: () => [{ name: 'assigned', status: 'ok' }],
  warming: () => HEALTH,
  hierarchy: () => HIERARCHY,
  price: async (chain, pair): Promise<PriceSight> =>
    pair === SEEN.pair ? { ...SEEN, chain } : { status: 'missing', kind: 'foreign', reason: 'no level has it' },
  optimize: async () => OPTIMIZED,
  predictor: {
    recommendations: ({ lookAheadHours } = {}) => [{ ...RECOMMENDED, reason: `within ${lookAheadHours} h` }],
    stats: () => ({ totalAccesses: 9, uniquePairs: 2, top10: ['A', 'B'], accuracyByKind: { popular: 0.75 } }),
    patterns: () => [PATTERN],
    exportPatterns: () => PATTERNS,
    importPatterns: (document) => (document === null ? { problem: 'expected an object, got null' } : { refused: 2 }),
  },
}

/** SEEN as it is answered. */
export const SEEN_OUTWARD = {
  ...{ chain: SEEN.chain, pair: SEEN.pair, price: SEEN.price, event_time_ms: 1, age_ms: 5, behind_ms: 7 },
  ...{ version: SEEN.version, level: SEEN.level, kind: SEEN.kind, source: SEEN.source },
}
