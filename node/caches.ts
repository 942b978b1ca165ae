import { eventTimeOf } from '../src/cache/cached-price.ts'
import { Hierarchy } from '../src/cache/hierarchy.ts'
import type { FirstLevel } from '../src/cache/l1/first-level.ts'
import { L1 } from '../src/cache/l1/l1.ts'
import { slotsIn } from '../src/cache/l1/memory.ts'
import { ObjectL1 } from '../src/cache/l1/objects.ts'
import { Upkeep } from '../src/cache/l1/upkeep.ts'
import { WARM_KINDS } from '../src/cache/l1/usage.ts'
import { Deletions } from '../src/cache/l2/deletions.ts'
import type { L2, OnNewer } from '../src/cache/l2/l2.ts'
import { createMemoryL2 } from '../src/cache/l2/memory.ts'
import { PushBack } from '../src/cache/l2/push-back.ts'
import { createRedisL2 } from '../src/cache/l2/redis/redis.ts'
import { WriteBehind } from '../src/cache/l2/write-behind.ts'
import type { L3 } from '../src/cache/l3/l3.ts'
import { type PriceHistory, withHistory } from '../src/cache/l3/price-history.ts'
import type { IdHolder } from '../src/cache/names/id-holders.ts'
import { L1Names } from '../src/cache/names/l1-names.ts'
import { PairTable } from '../src/cache/names/pair-table.ts'
import { Outage } from '../src/cache/outage.ts'
import { PriceWriter } from '../src/cache/price-writer.ts'
import { Promotion } from '../src/cache/promotion.ts'
import { TimeGate } from '../src/cache/time-gate.ts'
import { longestTtlMs } from '../src/cache/ttl.ts'
import type { Config } from '../src/config/settings.ts'
import { MinedEdges } from '../src/correlation/mined/mined-edges.ts'
import { Tracker } from '../src/correlation/tracker.ts'
import { Mining } from '../src/mining/mining.ts'
import { memoryUsed } from '../src/telemetry/process-memory.ts'
import type { Metrics } from '../src/telemetry/slab.ts'
import { systemTimer } from '../src/timer.ts'
import { ControlGroup } from '../src/warming/control-group.ts'
import { Measurement } from '../src/warming/measurement.ts'
import { createThirdLevel } from './l3.ts'
import type { CachesOptions } from './options.ts'
import { NodePrediction } from './prediction.ts'

/** The caches of a node and what learns beside them. Nothing has started yet. */
export interface Caches {
  readonly table: PairTable
  readonly l1: FirstLevel
  readonly l2: L2
  readonly l3: L3 | undefined
  readonly history: PriceHistory | undefined
  readonly writeBehind: WriteBehind
  readonly hierarchy: Hierarchy
  readonly promotion: Promotion
  readonly tracker: Tracker
  /** Undefined when nothing is mined. */
  readonly mining: Mining | undefined
  readonly prediction: NodePrediction
  /** The share of the updates that warm nothing, and what the comparison with the rest shows. */
  readonly control: ControlGroup
  readonly measurement: Measurement
  readonly upkeep: Upkeep
  readonly pushBack: PushBack
  readonly deletions: Deletions
  /** The way of updates and deletions into these caches. */
  readonly writer: PriceWriter
}

/** Rows of the write-behind buffer. Two sets of them take 10 MB and hold every pair of most users. */
const WRITE_BEHIND_ROWS = 65_536

export function createCaches(options: CachesOptions): Caches {
  const { config, metrics } = options
  const table = new PairTable({ maxPairs: config.cache.maxPairs })
  const l1 = createL1(config)
  const ahead = metrics.counter('drops_total', { reason: 'stored-in-future' })
  const gate = new TimeGate(options.clock, () => ahead.add(1))
  const l2 = createL2(options, table, {
    onConnected: () => {
      deletions.pushBack()
      pushBack.start()
    },
    onNewer: (pairId, floor, isDeleted) => {
      if (gate.keepsOut(floor)) return
      writer.refused(pairId, floor)
      if (!isDeleted) return
      hierarchy.deleted(pairId, floor)
      deletions.heard({ pairId, version: floor - 1 })
    },
  })
  gate.before(l2)
  const { l3, history } = createThirdLevel(options, table)
  if (l3 !== undefined) gate.before(l3)
  const writeBehind = createWriteBehind(options, history === undefined ? l2 : withHistory(l2, history))
  const pushBack = new PushBack({ table, l1, l2 })
  const deletions = createDeletions(options, l1, l2)
  const onMiss = (pairId: number) => promotion.missed(pairId)
  const hierarchy = new Hierarchy({ table, l1, l2, l3, writeBehind, metrics, onMiss })
  const { maxTrackedPairs, top } = config.correlation
  const { mined, mining } = createMining(options)
  const tracker = new Tracker({ maxPairs: maxTrackedPairs, top, ...(mined !== undefined && { mined }) })
  const writer = new PriceWriter({ table, l1, writeBehind, deletions, tracker })
  const promotion = new Promotion({ table, l1, l2, writeBehind, metrics, timeoutMs: config.warming.timeoutMs })
  const upkeep = createUpkeep(options, { l1, l2, hierarchy })
  const prediction = new NodePrediction({ config, table, clock: options.clock, log: options.log })
  const control = new ControlGroup(config.warming.controlShare)
  const measurement = new Measurement(control)
  const levels = { l1, l2, l3, history, writeBehind, hierarchy, promotion, upkeep, pushBack, deletions, writer }
  const caches = { table, ...levels, tracker, mining, prediction, control, measurement }
  keepNames(options, caches)
  observeCaches(metrics, caches)
  observeBenefit(metrics, caches)
  metrics.observe('drops_total', { reason: 'read-not-remembered' }, () => prediction.notRemembered)
  metrics.observe('pattern_saves_failed_total', {}, () => prediction.failedSaves)
  metrics.observe('prediction_pairs_recycled_total', {}, () => prediction.recycled)
  metrics.observe('drops_total', { reason: 'hour-not-forecast' }, () => prediction.notForecast)
  metrics.observe('drops_total', { reason: 'too-old-to-mine' }, () => mined?.older ?? 0)
  metrics.observe('drops_total', { reason: 'not-mined' }, () => (mined?.notTaken ?? 0) + (mining?.lost ?? 0))
  metrics.observe('drops_total', { reason: 'no-room-to-mine' }, () => mined?.refusedMarks ?? 0)
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
  for (const holder of holders) table.keep(holder)
  if (history !== undefined) table.keep(history)
  table.keep(new L1Names({ table, l1, isOver }))
}

/** Mining serves only a node that asks for warms. */
function createMining({ config, log }: CachesOptions): { readonly mined?: MinedEdges; readonly mining?: Mining } {
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

function createL1({ cache }: Config): FirstLevel {
  const options = {
    slots: Math.min(cache.l1Slots ?? slotsIn(cache.l1SizeMb, cache.maxPairs), cache.maxPairs),
    maxPairs: cache.maxPairs,
    ttlMs: cache.l1TtlSeconds * 1000,
    l2TtlMs: cache.l2TtlSeconds * 1000,
    refreshThreshold: cache.refreshThreshold,
  }
  return cache.usePriceMatrix ? new L1(options) : new ObjectL1(options)
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
}

function createL2(options: CachesOptions, table: PairTable, listeners: L2Listeners): L2 {
  const { config, clock, random, metrics } = options
  const { l2TtlSeconds, l2Enabled, redisUrls, redisCommandTimeoutMs: commandTimeoutMs } = config.cache
  const ttlMs = l2TtlSeconds * 1000
  const values = { clock, random, ttlMs, tombstoneTtlMs: tombstoneTtlMs(config), onNewer: listeners.onNewer }
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

function createWriteBehind({ config, metrics, log, waitsForL2 }: CachesOptions, l2: L2): WriteBehind {
  const writes = metrics.counter('l2_writes_total')
  const entries = metrics.counter('l2_write_entries_total')
  const outage = new Outage({
    onAway: (reason) => log.warn({ reason }, 'degraded: L2 is away, going on with L1 alone'),
    onBack: () => log.info('L2 is back'),
  })
  return new WriteBehind({
    l2,
    flushMs: config.cache.l2FlushMs,
    capacity: Math.min(WRITE_BEHIND_ROWS, config.cache.maxPairs),
    grows: !waitsForL2,
    maxPairs: config.cache.maxPairs,
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

/** A figure that cannot be measured yet is not shown. */
function observeBenefit(metrics: Metrics, { measurement, l1, promotion }: Caches): void {
  const figures = () => measurement.figures({ usage: l1.usage, promotions: promotion.tally })
  for (const bound of ['points', 'low', 'high'] as const)
    metrics.observe(
      'warming_hit_rate_improvement_points',
      { bound },
      () => figures().hitRateImprovement?.[bound] ?? Number.NaN,
    )
  metrics.observe('warming_coverage_ratio', {}, () => figures().coverage ?? Number.NaN)
}

function observeCaches(metrics: Metrics, { table, l1, l2, writeBehind, tracker, pushBack }: Caches): void {
  metrics.observe('cache_size_bytes', { cache_level: 'L1' }, () => l1.usage.resident * l1.entryBytes)
  metrics.observe('cache_capacity_bytes', { cache_level: 'L1' }, () => l1.bytes)
  metrics.observe('correlation_pairs_tracked', {}, () => tracker.totalPairs)
  metrics.observe('l2_state', {}, () => (l2.state().status === 'up' ? 1 : 0))
  metrics.observe('l2_pushed_back_total', {}, () => pushBack.pushed)
  for (const [kind, strategy] of WARM_KINDS.entries()) {
    metrics.observe('warms_used_total', { strategy }, () => l1.usage.warmsByKind[kind]?.used ?? 0)
    metrics.observe('warms_unused_total', { strategy }, () => l1.usage.warmsByKind[kind]?.unused ?? 0)
  }
  metrics.observe('correlation_pairs_recycled_total', {}, () => tracker.recycled)
  metrics.observe('drops_total', { reason: 'pair-not-tracked' }, () => tracker.refusedCalls)
  metrics.observe('drops_total', { reason: 'read-not-kept' }, () => tracker.refusedEdges)
  metrics.observe('drops_total', { reason: 'unknown-pair-asked' }, () => table.asksWithoutId)
  metrics.observe('drops_total', { reason: 'l2-away' }, () => writeBehind.skipped)
}

/** A level that is away does not stop the start. Rejects when a setting asks for a package that is not installed. */
export async function startCaches({ l2, l3, prediction, upkeep, mining }: Caches): Promise<void> {
  await prediction.start()
  await l2.start()
  await l3?.start()
  upkeep.start()
  mining?.start()
}

/** Closes what still has values to write before the level that takes them. */
export async function closeCaches(caches: Caches): Promise<void> {
  const { l2, l3, history, writeBehind, deletions, upkeep, pushBack, prediction, mining } = caches
  upkeep.close()
  pushBack.close()
  await Promise.all([writeBehind.close(), deletions.close(), prediction.close(), mining?.close()])
  await Promise.all([l2.close(), history?.close().then(() => l3?.close()) ?? l3?.close()])
}
