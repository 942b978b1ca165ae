import type { PriceSight, SeenPrice } from '../../src/cache/freshness/price-sight.ts'
import type { SetConfig } from '../../src/http/config-operations.ts'
import type { Operations, WarmingHealth } from '../../src/http/operations.ts'
import type { RolloutOperations } from '../../src/http/rollout-operations.ts'
import type { WarmingOperations } from '../../src/http/warming-operations.ts'
import type { SchedulesStatus } from '../../src/schedules/status.ts'
import type { NodeResult } from '../../src/tasks/task.ts'

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

export const TASK_ID = '01890a5d-ac96-774b-bcce-b302099a8057'
const NODE_RESULT: NodeResult = {
  ...{ node: 'node-1', status: 'partial', warmed: 1, wouldWarm: 0, alreadyInL1: 2, notFound: 3, refusedOlder: 4 },
  ...{ notInterested: 5, durationMs: 1.5 },
}

export const TASKS: WarmingOperations = {
  wish: async ({ strategy }) =>
    strategy === 'popular'
      ? { ok: false, errors: [{ pointer: '#/pairs', detail: 'goes with on_demand' }] }
      : { ok: true, taskId: TASK_ID },
  status: async (taskId) =>
    taskId === TASK_ID
      ? {
          ...{ taskId, state: 'partial', reason: 'partial on node-1', madeAtMs: 1, strategy: 'on_demand' },
          ...{ priority: 'high', pairs: 9, warmed: 1, nodes: [NODE_RESULT] },
        }
      : undefined,
  runCycle: async () => ({ popular: { warmed: 3, durationMs: 520 } }),
  stats: () => ({
    ...{ totalWarmed: 7, successRate: 0.5, avgDurationMs: 1.5 },
    byStrategy: { manual: { operations: 2, warmed: 7, used: 3, accuracy: 0.75 } },
    tasks: {
      ...{ waiting: 1, waitingPairs: 2, running: 3 },
      shed: {
        total: 4,
        byPriority: { critical: 0, high: 0, medium: 1, low: 3 },
        byReason: { full: 4, late: 0, closed: 0 },
      },
    },
  }),
}

export const SET_CONFIG: SetConfig = {
  ...{ version: 3, by: 'ana', atMs: 5, reason: 'a quiet day', set: { WARMING_MAX_PAIRS: 4 } },
}

const CANARY = { mode: 'canary', chains: ['ethereum'], percent: 5, controlShare: 0.02, killed: false } as const

export const ROLLOUT: ReturnType<RolloutOperations['status']> = {
  ...{ mode: 'off', offBecause: 'WARMING_ENABLED is off', unknownChains: ['ethereum'] },
  set: {
    ...{ ...CANARY, version: 4, by: 'ana', atMs: 5, reason: 'first day' },
    past: [{ ...CANARY, mode: 'shadow', version: 3, by: 'ben', atMs: 4 }],
  },
  shadow: { reads: 10, hitRatio: 0.25, hitRatioWithWarming: 0.75 },
}

const SCHEDULES: SchedulesStatus = {
  ...{ isRunning: true, isLeading: false, reason: undefined, cycles: 2 },
  schedules: [
    {
      ...{ name: 'popular', words: 'every 30m', strategies: ['popular'], nextMs: 9_000, overlapped: 1, missed: 0 },
      ...{ slowedAt: 0.02 },
      last: {
        ...{ kind: 'scheduled', scheduledMs: 5_000, state: 'done', by: 'node-1', atMs: 5_100 },
        results: [{ strategy: 'popular', taskId: TASK_ID, pairs: 9, state: 'done', warmed: 7, durationMs: 12 }],
      },
    },
    {
      ...{ name: 'start-up', words: 'at start', strategies: ['popular'], nextMs: undefined, last: undefined },
      ...{ slowedAt: undefined, overlapped: 0, missed: 0 },
    },
  ],
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
  config: {
    inForce: () => SET_CONFIG,
    settings: () => [
      { name: 'WARMING_MAX_PAIRS', value: '4', origin: 'control' },
      { name: 'METRICS_PORT', value: '0', origin: 'argument', atStart: 'the port is open' },
    ],
    set: async () => ({ status: 'set' }),
  },
  rollout: {
    status: () => ROLLOUT,
    set: async () => ({ status: 'set', rollout: ROLLOUT.set }),
    kill: async () => ({ status: 'set', rollout: ROLLOUT.set }),
  },
  predictor: {
    recommendations: ({ lookAheadHours } = {}) => [{ ...RECOMMENDED, reason: `within ${lookAheadHours} h` }],
    stats: () => ({ totalAccesses: 9, uniquePairs: 2, top10: ['A', 'B'], accuracyByKind: { popular: 0.75 } }),
    patterns: () => [PATTERN],
    exportPatterns: () => PATTERNS,
    importPatterns: (document) => (document === null ? { problem: 'expected an object, got null' } : { refused: 2 }),
  },
  tasks: () => TASKS,
  schedules: () => SCHEDULES,
}

/** SEEN as it is answered. */
export const SEEN_OUTWARD = {
  ...{ chain: SEEN.chain, pair: SEEN.pair, price: SEEN.price, event_time_ms: 1, age_ms: 5, behind_ms: 7 },
  ...{ version: SEEN.version, level: SEEN.level, kind: SEEN.kind, source: SEEN.source },
}
