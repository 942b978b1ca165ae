import { createCache } from '../../index.ts'
import type { ProposingStrategy } from '../../schemas/warm-request.ts'
import { type VirtualClock, virtualClock } from '../../src/clock.ts'
import { HOUR_MS } from '../../src/prediction/access-history.ts'
import { type OpenedCache, openedCache } from '../../standalone/levels.ts'
import type { StrategyStats } from '../../standalone/warming/report.ts'
import { createWarming } from '../../standalone/warming/warming.ts'

/** Reads of pairs, hour by hour. */
export interface Traffic {
  readonly names: readonly { readonly pair: string; readonly group?: string | undefined }[]
  readonly firstHour: number
  /** The number of hours whose reads are learned from; then of those in which L1 fills, too; then of those measured. */
  readonly learned: number
  readonly filled: number
  readonly measured: number
  /** Called for one hour after the other. Times do not fall. */
  readsIn(hour: number): Iterable<{ readonly pairId: number; readonly atMs: number }>
}

/** The schedules by their settings. */
export const SCHEDULES = [
  'startUp',
  'popular',
  'timeOfDay',
  'trending',
  'sectorRotation',
  'preMarket',
  'sessions',
] as const
export type ScheduleKey = (typeof SCHEDULES)[number]

export interface Scheduled {
  readonly hitRatio: number
  /** Values fetched from L2, for reads and for warms. */
  readonly loads: number
  readonly cycles: number
  readonly warms: Readonly<Partial<Record<ProposingStrategy, StrategyStats>>>
}

/** Longer than all hours: values go by the policy of L1 alone. */
const TTL_SECONDS = 2_592_000
const MINUTE_MS = 60_000

/**
 * Plays the traffic to a cache without Redis, on a virtual clock. Its scheduler runs the schedules named, at their default
 * times, and starts with the first hour that is measured. Nothing else warms.
 */
export async function scheduled(
  traffic: Traffic,
  { slots, schedules }: { readonly slots: number; readonly schedules: readonly ScheduleKey[] },
): Promise<Scheduled> {
  const { names, firstHour, learned, filled, measured } = traffic
  const fillFrom = firstHour + learned
  const clock = virtualClock(fillFrom * HOUR_MS)
  const enabled = Object.fromEntries(SCHEDULES.map((key) => [key, { enabled: schedules.includes(key) }]))
  const cache = await createCache({
    ...{
      l1Slots: slots,
      l2Enabled: false,
      ttlSeconds: { l1: TTL_SECONDS, l2: TTL_SECONDS },
      schedules: enabled,
      clock,
    },
    env: { CORRELATION_MINING: 'off', LOG_LEVEL: 'error' },
  })
  const warming = createWarming(cache, { warmerConfig: { enabled: false } })
  const parts = openedCache(cache)
  if (parts === undefined) throw new Error('a cache expected')
  try {
    const ids = names.map(({ pair, group }) => {
      cache.set(pair, { price: 1 })
      const pairId = parts.caches.table.find(parts.chain, pair)
      if (group !== undefined) parts.caches.table.setGroup(pairId, group)
      return pairId
    })
    while (parts.caches.writeBehind.pendingEntries > 0) await settled()
    for (let hour = firstHour; hour < fillFrom; hour++)
      for (const { pairId, atMs } of traffic.readsIn(hour)) parts.caches.prediction.onRead?.(ids[pairId] ?? -1, atMs)
    const read = (pairId: number) => cache.get(names[pairId]?.pair ?? '')
    const measureFrom = fillFrom + filled
    for (let hour = fillFrom; hour < measureFrom; hour++) await playHour(traffic, { hour, clock, read })
    clock.advanceTo(measureFrom * HOUR_MS)
    const before = countsOf(parts)
    warming.scheduler.start()
    await settled()
    for (let hour = measureFrom; hour < measureFrom + measured; hour++) await playHour(traffic, { hour, clock, read })
    const after = countsOf(parts)
    const [hits, misses] = [after.hits - before.hits, after.misses - before.misses]
    const { cycleCount: cycles, performanceSummary: warms } = warming.scheduler.status()
    return { hitRatio: hits / (hits + misses), loads: after.loads - before.loads, cycles, warms }
  } finally {
    await warming.close()
    await cache.close()
  }
}

interface Hour {
  readonly hour: number
  readonly clock: VirtualClock
  read(pairId: number): unknown
}

/** Time goes by the minute, so that schedules run when they are due. What was missed is there before the next read. */
async function playHour(traffic: Traffic, { hour, clock, read }: Hour): Promise<void> {
  const passUntil = async (ms: number) => {
    for (let next = nextMinute(clock); next <= ms; next = nextMinute(clock)) {
      clock.advanceTo(next)
      await settled()
    }
  }
  for (const { pairId, atMs } of traffic.readsIn(hour)) {
    await passUntil(atMs)
    clock.advanceTo(atMs)
    if (typeof read(pairId) === 'string') await settled()
  }
  await passUntil((hour + 1) * HOUR_MS)
}

function nextMinute(clock: VirtualClock): number {
  return (Math.floor(clock.now() / MINUTE_MS) + 1) * MINUTE_MS
}

function countsOf({ caches, metrics }: OpenedCache) {
  const { hits, misses } = caches.hierarchy
  const { numbers = [] } = metrics.read().find(({ instrument }) => instrument.name === 'cache_loads_total') ?? {}
  return { hits, misses, loads: numbers.reduce((sum, { value }) => sum + value, 0) }
}

function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
