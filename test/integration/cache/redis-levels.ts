import type { Redis } from 'ioredis'
import type { CachedPrice } from '../../../src/cache/cached-price.ts'
import type { L2 } from '../../../src/cache/l2/l2.ts'
import { createRedisL2, type RedisL2Options } from '../../../src/cache/l2/redis/redis.ts'
import { systemClock } from '../../../src/clock.ts'
import { cachedPrice, columnsOf } from '../../cache/l2/columns.ts'
import { until } from '../../harness/until.ts'

export const TTL_MS = 3_600_000
/** Enough time for an answer on a busy machine. */
const ANSWERED_MS = 5_000

type LevelOptions = Pick<RedisL2Options, 'url' | 'table'> & Partial<RedisL2Options>

const SCRIPT_USER = 'no-functions'
const opened: L2[] = []

/** A level that `closeLevels` closes. It may not be connected yet. */
export async function startLevel(options: LevelOptions): Promise<L2> {
  const common = { clock: systemClock, random: Math.random, ttlMs: TTL_MS, commandTimeoutMs: ANSWERED_MS }
  const l2 = createRedisL2({ ...common, ...options })
  opened.push(l2)
  await l2.start()
  return l2
}

/** As `startLevel`, but connected. */
export async function openLevel(options: LevelOptions): Promise<L2> {
  const l2 = await startLevel(options)
  await isUp(l2)
  return l2
}

export async function closeLevels(): Promise<void> {
  await Promise.all(opened.splice(0).map((l2) => l2.close()))
}

export const isUp = (l2: L2) => until('the level is up', () => l2.state().status === 'up')

export function write(l2: L2, pairIds: readonly number[], version: number) {
  return l2.write(columnsOf(pairIds.map((pairId) => ({ pairId, version }))), 0, pairIds.length)
}

export const written = (count: number) => ({ status: 'written', written: count, older: 0 })

/** What a load answers that finds these versions; undefined for nothing. */
export function loaded(...versions: readonly (number | undefined)[]) {
  const rows = versions.map((version): CachedPrice | undefined =>
    version === undefined ? undefined : cachedPrice({ version }),
  )
  return { status: 'loaded', rows }
}

/** To this user Redis looks like one before version 7. */
export function addScriptUser(raw: Redis): Promise<unknown> {
  return raw.call('ACL', 'SETUSER', SCRIPT_USER, 'on', '>secret', '~*', '+@all', '-function', '-fcall')
}

export function asScriptUser(redisUrl: string): string {
  const url = new URL(redisUrl)
  url.username = SCRIPT_USER
  url.password = 'secret'
  return url.href
}
