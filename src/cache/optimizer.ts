import { emptyPrice } from './cached-price.ts'
import type { Hierarchy } from './hierarchy.ts'
import type { FirstLevel } from './l1/first-level.ts'
import type { WriteBehind } from './l2/write-behind.ts'
import type { Promotion } from './promotion.ts'

/** The outcome of an optimization, in pairs. */
export interface Optimized {
  /** Pairs that were missed often since the last time and are now in L1. */
  readonly promoted: number
  /** Pairs that were missed often, but L2 has no value for them, or only one that is older than their floor. */
  readonly notPromoted: number
  /** Pairs that were not read since they came into a full L1; only L2 has their values now. */
  readonly demoted: number
  /** Pairs whose time in L1 was over. */
  readonly expired: number
  readonly durationMs: number
  readonly reason: string
}

export interface OptimizerOptions {
  readonly l1: FirstLevel
  readonly hierarchy: Pick<Hierarchy, 'missed'>
  readonly writeBehind: WriteBehind
  readonly promotion: Pick<Promotion, 'promote'>
  readonly nowMs: () => number
}

/** How often a pair must be missed: one that was missed once may never be read again. */
const OFTEN = 2
/** The most that is demoted at a time, as a share of the slots. */
const DEMOTED_SHARE = 0.1
/** As many keys as one MGET has. */
const MOST_PROMOTED = 512

/**
 * Promotes pairs that are read and missing in L1. If L1 is full, it first demotes pairs that are not read. The value of a
 * demoted pair goes into the write-behind before it leaves L1, so that whoever reads it finds it. The versioned write
 * never replaces a newer value in L2.
 */
export async function optimize(options: OptimizerOptions): Promise<Optimized> {
  const { l1, hierarchy, promotion, nowMs } = options
  const startMs = performance.now()
  const expiredBefore = l1.usage.expirations
  l1.tick(nowMs())
  const often = hierarchy.missed.drain(OFTEN, MOST_PROMOTED).filter((pairId) => !l1.has(pairId))
  const demoted = l1.usage.resident < l1.usage.limit ? 0 : await demote(options)
  const wanted = often.slice(0, Math.max(l1.usage.warmLimit, l1.usage.limit - l1.usage.resident))
  const { outcomes } = wanted.length === 0 ? { outcomes: [] } : await promotion.promote(wanted)
  const promoted = outcomes.filter((outcome) => outcome === 'warmed').length
  return {
    promoted,
    notPromoted: often.length - promoted,
    demoted,
    expired: l1.usage.expirations - expiredBefore,
    durationMs: performance.now() - startMs,
    reason: `${often.length} pairs were missed ${OFTEN} times or more since the last time; L1 has ${l1.usage.resident} of ${l1.usage.limit} slots in use`,
  }
}

async function demote({ l1, writeBehind }: OptimizerOptions): Promise<number> {
  const price = emptyPrice()
  const cold = l1.coldest(Math.ceil(l1.usage.limit * DEMOTED_SHARE))
  let demoted = 0
  for (const pairId of cold) {
    if (writeBehind.full) await writeBehind.drain()
    // It may have been evicted or removed while others were written.
    if (!l1.peek(pairId, price)) continue
    writeBehind.addPrice(pairId, price)
    l1.evict(pairId)
    demoted++
  }
  return demoted
}
