import type { Config } from '../../config/settings.ts'
import type { Log } from '../../telemetry/log.ts'
import type { Metrics } from '../../telemetry/slab.ts'
import type { Arrivals } from '../freshness/arrivals.ts'
import { Freshness } from '../freshness/freshness.ts'
import type { FirstLevel } from '../l1/first-level.ts'
import type { Deletions } from '../l2/deletions.ts'
import type { L2 } from '../l2/l2.ts'
import type { PushBack } from '../l2/push-back.ts'
import type { Kind } from '../l2/value.ts'
import type { WriteBehind } from '../l2/write-behind.ts'
import type { Sources } from '../sources/sources.ts'
import { ForeignReads } from './foreign-reads.ts'
import { Stamps } from './stamps.ts'
import { trackLoads } from './tracked-loads.ts'

export interface OtherNodesOptions {
  readonly sources: Sources
  readonly l1: FirstLevel
  readonly l2: L2
  readonly arrivals: Arrivals
  readonly writeBehind: WriteBehind
  readonly pushBack: PushBack
  readonly deletions: Pick<Deletions, 'pending'>
  readonly onDeleted: (pairId: number, floor: number) => void
  readonly keepsOut: (version: number) => boolean
  readonly log: Log
  readonly kind: Kind
  readonly cache: Pick<Config['cache'], 'followForeign' | 'followPollMs' | 'redisCommandTimeoutMs'>
  readonly metrics: Metrics
}

/** Values of any kind have no moments: a fence only finds out whether the connection still tells of changes. */
const VALUES_FENCE_MS = 1_000

/** What other nodes hear of this one, what it hears of them, and how fresh values are by that. */
export interface OtherNodes {
  readonly stamps: Stamps
  /** Undefined if nobody else writes to L2, or it is turned off. */
  readonly foreign: ForeignReads | undefined
  readonly freshness: Freshness
}

export function otherNodes(options: OtherNodesOptions): OtherNodes {
  const { sources, l2, log, kind, cache } = options
  const stamps = new Stamps({
    ...options,
    onFailed: (reason) => log.warn({ reason }, 'other nodes cannot be told how fresh the prices of this one are'),
  })
  const foreign = foreignReads(options, l2)
  if (kind === 'values' && foreign !== undefined) trackLoads(l2, foreign, { delayMs: cache.redisCommandTimeoutMs })
  return { stamps, foreign, freshness: new Freshness({ sources, foreign }) }
}

function foreignReads(options: OtherNodesOptions, l2: L2): ForeignReads | undefined {
  const { sources, l1, arrivals, keepsOut, onDeleted, log, kind, metrics } = options
  const { followForeign: follow, followPollMs: pollMs } = options.cache
  const tracking = follow === 'off' ? undefined : l2.track?.()
  if (tracking === undefined) return undefined
  return new ForeignReads({
    ...{ tracking, sources, l1, maxPairs: l1.maxPairs, keepsOut, onDeleted, pollMs },
    polls: follow === 'poll',
    ...(kind === 'values' && {
      fenceMs: VALUES_FENCE_MS,
      // These reads are loads, too.
      onUndecodable: (reason) => metrics.counter('l2_undecodable_total', { reason }).add(1),
    }),
    isFollowed: (pairId) => arrivals.hasAll(pairId),
    onLimited: (reason) => log.warn({ reason }, 'Redis refuses what reads of pairs of other nodes need'),
    onWay: (way, reason) => {
      if (way === 'poll') log.warn({ reason }, 'Redis does not tell of changes: pairs of other nodes are polled')
      else log.info('Redis tells of changes: pairs of other nodes stay fresh while they are read')
    },
  })
}
