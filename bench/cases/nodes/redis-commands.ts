import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type { Figure } from '../../harness/bench.ts'
import type { Stage } from '../../stages/stage.ts'
import type { Fleet } from './fleet.ts'
import { underLoad, value } from './freshness.ts'
import { BY_CHAIN } from './market.ts'

/** A reader goes on for so long with pairs that it has read. */
export const FORGET_MS = 8_000
const PER_SECOND = 1_000

/** The Redis commands of one reader, by what Redis counts: reads are MGETs, and each fence has one PING. */
export async function redisCommands(stage: Stage, fleet: Fleet): Promise<readonly Figure[]> {
  const { redisUrl } = await stage.backends()
  const { owner, read, feed } = fleet
  const [reader] = fleet.readers
  const redis = new Redis(redisUrl)
  const forMs = stage.amount(5_000, 1_000)
  const isRead = new Set(read)
  const counted = async (during: () => Promise<unknown>) => {
    await owner.do('handled')
    const before = await callsOf(redis)
    await during()
    const after = await callsOf(redis)
    const handled = await owner.do('handled')
    const changes = handled.filter((update, at) => at % 2 === 0 && isRead.has(feed.ranks[update] ?? -1)).length
    const calls = (name: string): number => (after.get(name) ?? 0) - (before.get(name) ?? 0)
    return { changes, calls }
  }
  const load = { layout: BY_CHAIN, perSecond: PER_SECOND }
  const reading = { ranks: read, perSecond: 100, forMs }
  try {
    const busy = await underLoad(fleet, load, async () => {
      await reader?.do('sample', { ...reading, forMs: forMs / 4 })
      return counted(async () => reader?.do('sample', reading))
    })
    const quiet = await underLoad(fleet, load, async () => {
      await pause(stage.amount(FORGET_MS, FORGET_MS / 8))
      return counted(() => pause(forMs))
    })
    const marks = busy.calls('hmget') + busy.calls('hgetall') + busy.calls('hvals')
    const fences = busy.calls('ping')
    const aChange = (what: string, { changes, calls }: typeof busy): Figure =>
      value(`Redis commands a change, of pairs that ${what}`, 'MGET', calls('mget') / changes)
    return [
      aChange('one reader reads', busy),
      aChange('nobody reads elsewhere', quiet),
      // Each has its PING and its TIME, too.
      value('Redis commands a fence', 'commands', fences === 0 ? 0 : marks / fences + 2),
      value('fences a second, one reader', '', fences / (forMs / 1000)),
    ]
  } finally {
    redis.disconnect()
  }
}

/** How often each command was called, also from within functions. */
export async function callsOf(redis: Redis): Promise<ReadonlyMap<string, number>> {
  const text = await redis.info('commandstats')
  return new Map(
    [...text.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)].map(([, name = '', calls]) => [name, Number(calls)]),
  )
}
