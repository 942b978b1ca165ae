import { eventTimeOf } from '../src/cache/cached-price.ts'
import { otherNodes } from '../src/cache/foreign/other-nodes.ts'
import { Arrivals } from '../src/cache/freshness/arrivals.ts'
import { Hierarchy } from '../src/cache/hierarchy.ts'
import type { FirstLevel } from '../src/cache/l1/first-level.ts'
import { Upkeep } from '../src/cache/l1/upkeep.ts'
import { kindOfCode, WARM_KINDS } from '../src/cache/l1/usage.ts'
import { Deletions } from '../src/cache/l2/deletions.ts'
import type { L2, OnNewer } from '../src/cache/l2/l2.ts'
import { createMemoryL2 } from '../src/cache/l2/memory.ts'
import { createNoL2 } from '../src/cache/l2/none.ts'
import { PushBack } from '../src/cache/l2/push-back.ts'
import { createRedisL2 } from '../src/cache/l2/redis/redis.ts'
import { WriteBehind } from '../src/cache/l2/write-behind.ts'
import { withHistory } from '../src/cache/l3/price-history.ts'
import type { IdHolder } from '../src/cache/names/id-holders.ts'
import { L1Names } from '../src/cache/names/l1-names.ts'
import { PairTable } from '../src/cache/names/pair-table.ts'
import { Outage } from '../src/cache/outage.ts'
import { PriceWriter } from '../src/cache/price-writer.ts'
import { Promotion } from '../src/cache/promotion.ts'
import { Sources } from '../src/cache/sources/sources.ts'
import { TimeGate } from '../src/cache/time-gate.ts'
import { longestTtlMs } from '../src/cache/ttl.ts'
import { isVirtual } from '../src/clock.ts'
import type { Config } from '../src/config/settings.ts'
import { MinedEdges } from '../src/correlation/mined/mined-edges.ts'
import { threadReadsMemory } from '../src/detect/thread-reads.ts'
import { Mining } from '../src/mining/mining.ts'
import { memoryUsed } from '../src/telemetry/process-memory.ts'
import { systemTimer } from '../src/timer.ts'
import { observeCaches } from './cache-metrics.ts'
import { createTracker } from './kept/kept-tracker.ts'
import { createL1 } from './l1.ts'
import { createThirdLevel } from './l3.ts'
import type { Caches, CachesOptions } from './options.ts'
import { NodePrediction } from './prediction.ts'
import { createRollout } from './rollout/rollout-parts.ts'
import { compareStrategies } from './strategies/strategies.ts'

/** Rows of the write-behind buffer. Two sets of them take 10 MB and hold every pair of most users. */
const WRITE_BEHIND_ROWS = 65_536

export function createCaches(options: CachesOptions): Caches {
  const { config, metrics } = options
  const table = new PairTable({ maxPairs: config.cache.maxPairs })
  const following = createFollowing(options, table)
  const { sources, l1, arrivals } = following
  const ahead = metrics.counter('drops_total', { reason: 'stored-in-future' })
  const gate = new TimeGate(options.clock, () => ahead.add(1))
  const l2 = createL2(
    options,
    { table, sources },
    l2Listeners(gate, () => caches),
  )
  gate.before(l2)
  const { l3, history } = createThirdLevel(options, table)
  if (l3 !== undefined) gate.before(l3)
  const writeBehind = createWriteBehind(options, history === undefined ? l2 : withHistory(l2, history), following)
  const pushBack = new PushBack({ table, l1, l2, sources, onPushed: writeBehind.hasWritten.bind(writeBehind) })
  const deletions = createDeletions(options, l1, l2)
  const onDeleted = (pairId: number, floor: number) => {
    writer.refused(pairId, floor)
    hierarchy.deleted(pairId, floor)
    deletions.heard({ pairId, version: floor - 1 })
  }
  const { log, kind = 'prices' } = options
  const keepsOutVersion = (version: number) => gate.keepsOut(version)
  const parts = { ...following, l2, writeBehind, pushBack, deletions, keepsOut: keepsOutVersion, onDeleted, log, kind }
  const others = otherNodes({ ...parts, cache: config.cache, metrics })
  const onMiss = (pairId: number) => promotion.missed(pairId)
  const hierarchy = new Hierarchy({ table, l1, l2, l3, writeBehind, metrics, onMiss })
  const { mined, mining } = createMining(options)
  const { tracker, kept, forget } = createTracker(options, table, mined)
  const keepsExtra = !config.cache.usePriceMatrix
  const writer = new PriceWriter({ table, l1, writeBehind, deletions, tracker: { forget }, arrivals, keepsExtra })
  const { rollout, ...rolled } = createRollout(options, { table, l1, l2, writeBehind, hierarchy })
  const { timeoutMs } = config.warming
  const keepsOut = (kind: number) => rollout.keepsOut(WARM_KINDS[kindOfCode(kind)])
  const promotion = new Promotion({ table, l1, l2, writeBehind, metrics, timeoutMs, keepsOut })
  const upkeep = createUpkeep(options, { l1, l2, hierarchy })
  const { clock, random } = options
  const prediction = new NodePrediction({ config, table, clock, random, log })
  const levels = { l2, l3, history, writeBehind, hierarchy, promotion, upkeep, pushBack, deletions, writer }
  const freshness = isVirtual(options.clock) ? undefined : others.freshness
  const learning = { tracker, kept, mining, mined, prediction, rollout, ...rolled }
  const caches: Caches = { table, ...following, ...others, freshness, ...levels, ...learning }
  compareStrategies(caches, config)
  keepNames(options, caches)
  observeCaches(metrics, caches, config)
  return caches
}

/** Lets the table give the ids of names that nobody needs to other names. */
function keepNames({ config, clock }: CachesOptions, caches: Caches): void {
  const { table, l1, l2, l3, history, writeBehind, hierarchy, promotion, pushBack, deletions, tracker, prediction } =
    caches
  const { l2TtlSeconds, l3TtlSeconds } = config.cache
  const longestMs = longestTtlMs((l3 === undefined ? l2TtlSeconds : l3TtlSeconds) * 1000)
  const isOver = (version: number) => eventTimeOf(version) + longestMs < clock.now()
  const holders: readonly IdHolder[] = [hierarchy, promotion, writeBehind, pushBack, deletions, l2, tracker, prediction]
  for (const holder of [...holders, caches.arrivals, caches.arms]) table.keep(holder)
  for (const holder of [history, caches.foreign, caches.kept?.unwritten]) if (holder !== undefined) table.keep(holder)
  table.keep(new L1Names({ table, l1, isOver }))
}

/** Mining serves only a node that asks for warms. */
export function createMining({ config, log }: Pick<CachesOptions, 'config' | 'log'>): {
  readonly mined?: MinedEdges
  readonly mining?: Mining
} {
  const { mining: way, maxTrackedPairs, windowMs } = config.correlation
  if (way === 'off' || !config.node.roles.includes('correlate')) return {}
  const mined = new MinedEdges({ maxPairs: maxTrackedPairs, windowMs })
  const mining = new Mining({
    edges: mined,
    timer: systemTimer,
    inThread: way === 'thread',
    onThreadLost: (error) => log.warn({ err: error }, 'the thread that mines is gone: mined in steps from now on'),
    onFailed: (error) => log.error({ err: error }, 'mining failed: nothing is mined until the node starts again'),
  })
  return { mined, mining }
}

type FollowingParts = Pick<Caches, 'sources' | 'l1' | 'arrivals' | 'reads'>

function createFollowing({ config, kind }: CachesOptions, table: PairTable): FollowingParts {
  const sources = new Sources({ stampTtlMs: config.cache.l2TtlSeconds * 1000 })
  const l1 = createL1(config, sources, kind)
  const arrivals = new Arrivals({ table, sources, l1 })
  return { sources, l1, arrivals, reads: threadReadsMemory() }
}

function createUpkeep({ config, clock, log }: CachesOptions, caches: Pick<Caches, 'l1' | 'l2' | 'hierarchy'>): Upkeep {
  const { l1, l2, hierarchy } = caches
  const { memoryLimitMb } = config.cache
  const ceilingBytes = memoryLimitMb === undefined ? undefined : memoryLimitMb * 1024 * 1024
  return new Upkeep({
    l1,
    clock,
    memoryUsed: () => memoryUsed(ceilingBytes),
    measure: () => l2.measure?.(),
    reads: () => ({ hits: hierarchy.hits, misses: hierarchy.misses }),
    onPressure: ({ slots, warms }) =>
      slots === 1 && warms === 1
        ? log.info('memory is no longer short: all of L1 is used again')
        : log.warn({ slots, warms }, 'memory is short: L1 uses this share of its slots, and of their part for warms'),
  })
}

interface L2Listeners {
  readonly onConnected: () => void
  readonly onNewer: OnNewer
  readonly onMixed: (written: number, stored: number) => void
}

/** The caches are asked for when something happens: they are made after L2. */
function l2Listeners(gate: TimeGate, caches: () => Caches): L2Listeners {
  return {
    onConnected: () => {
      const { deletions, pushBack, stamps } = caches()
      deletions.pushBack()
      pushBack.start()
      stamps.connected()
    },
    onMixed: (written, stored) => caches().arrivals.scattered(written, stored),
    onNewer: (pairId, floor, isDeleted) => {
      if (gate.keepsOut(floor)) return
      caches().writer.refused(pairId, floor)
      if (!isDeleted) return
      caches().hierarchy.deleted(pairId, floor)
      caches().deletions.heard({ pairId, version: floor - 1 })
    },
  }
}

function createL2(
  options: CachesOptions,
  { table, sources }: Pick<Caches, 'table' | 'sources'>,
  listeners: L2Listeners,
): L2 {
  const { config, clock, random, metrics, kind } = options
  const { l2TtlSeconds, l2Enabled, redisUrls, redisCommandTimeoutMs: commandTimeoutMs } = config.cache
  const ttlMs = l2TtlSeconds * 1000
  const tombstoneMs = tombstoneTtlMs(config)
  const values = { clock, random, ttlMs, tombstoneTtlMs: tombstoneMs, onNewer: listeners.onNewer, sources, kind }
  // Values of any kind may be large: those of this process alone are held once, in L1.
  if (kind === 'values' && !l2Enabled) return createNoL2()
  if (options.l2 === 'memory' || !l2Enabled) return createMemoryL2(values)
  const [first = '', ...others] = redisUrls
  const url = others.length === 0 ? first : redisUrls
  const { service } = config.node
  return createRedisL2({
    ...values,
    url,
    table,
    commandTimeoutMs,
    metrics,
    sources,
    onMixed: listeners.onMixed,
    onConnected: listeners.onConnected,
    service,
  })
}

/** The source still has the prices of a deleted pair. */
function tombstoneTtlMs({ cache }: Config): number {
  return (cache.clickHouseUrl === undefined ? cache.l2TtlSeconds : cache.l3TtlSeconds) * 1000
}

function createDeletions({ config, clock, metrics, log }: CachesOptions, l1: FirstLevel, l2: L2): Deletions {
  return new Deletions({
    ...{ l1, l2, clock },
    tombstoneTtlMs: tombstoneTtlMs(config),
    onLost: (deletions, reason) => {
      metrics.counter('drops_total', { reason: 'l2-delete' }).add(deletions)
      log.warn({ deletions, reason }, 'closed before L2 had these deletions: it keeps the values until their TTL')
    },
  })
}

function createWriteBehind(options: CachesOptions, l2: L2, { sources, l1 }: FollowingParts): WriteBehind {
  const { config, metrics, log, waitsForL2 } = options
  const writes = metrics.counter('l2_writes_total')
  const entries = metrics.counter('l2_write_entries_total')
  const outage = new Outage({
    onAway: (reason) => log.warn({ reason }, 'degraded: L2 is away, going on with L1 alone'),
    onBack: () => log.info('L2 is back'),
  })
  return new WriteBehind({
    l2,
    sources,
    flushMs: config.cache.l2FlushMs,
    l2TtlMs: config.cache.l2TtlSeconds * 1000,
    capacity: Math.min(WRITE_BEHIND_ROWS, config.cache.maxPairs),
    grows: !waitsForL2,
    maxPairs: config.cache.maxPairs,
    held: l1.peek.bind(l1),
    onFlush: ({ outcome }) => {
      outage.saw(outcome.status === 'unavailable' ? outcome.reason : undefined)
      if (outcome.written === undefined) return
      writes.add(1)
      entries.add(outcome.written)
    },
    onLost: (lost, reason) =>
      log.warn({ entries: lost, reason }, 'closed before L2 had the newest of these pairs: it gets their next updates'),
  })
}

/** Takes over settings that have changed. */
export function adjustCaches(caches: Caches, config: Config): void {
  caches.promotion.timeoutMs = config.warming.timeoutMs
  compareStrategies(caches, config)
}

/** A level that is away does not stop the start. Rejects when a setting asks for a package that is not installed. */
export async function startCaches({ l2, l3, prediction, upkeep, mining }: Caches): Promise<void> {
  await prediction.start()
  await l2.start()
  await l3?.start()
  upkeep.start()
  mining?.start()
}

/** Begins to tell other nodes of the pairs that this one follows. It hears of theirs once it reads them. */
export function meetOtherNodes({ stamps }: Caches): void {
  stamps.start()
}

/** Closes what still has values to write before the level that takes them. */
export async function closeCaches(caches: Caches): Promise<void> {
  const { l2, l3, history, writeBehind, deletions, upkeep, pushBack, prediction, mining } = caches
  caches.stamps.close()
  caches.foreign?.close()
  upkeep.close()
  pushBack.close()
  await Promise.all([writeBehind.close(), deletions.close(), prediction.close(), mining?.close()])
  await Promise.all([l2.close(), history?.close().then(() => l3?.close()) ?? l3?.close()])
}
