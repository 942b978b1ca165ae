import { emptyPrice } from './cached-price.ts'
import type { Hierarchy } from './hierarchy.ts'
import type { FirstLevel } from './l1/first-level.ts'
import type { WriteBehind } from './l2/write-behind.ts'
import type { Promotion } from './promotion.ts'

/** What was done, in pairs. */
export interface Optimized {
  /** Often missed since the last time, now in L1. */
  readonly promoted: number
  /** Often missed, and in L2 neither, or only an older value than L1 has had. */
  readonly notPromoted: number
  /** Not read since they came, in a full L1: their values are L2's alone now. */
  readonly demoted: number
  /** Their time was over. */
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

/** A pair that was missed once may never be read again. */
const OFTEN = 2
/** Of the slots, in one go. */
const DEMOTED_SHARE = 0.1
/** One MGET. */
const MOST_PROMOTED = 512

/**
 * Brings into L1 what is read and missing there, and takes out what is there and not read, as far as the slots are
 * short. Demoted values are written to L2 by the versioned write, never over newer ones, before anything else of L1 is
 * given away: whoever reads them finds them there.
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
    // It may have been read or removed while others were written.
    if (!l1.peek(pairId, price)) continue
    writeBehind.addPrice(pairId, price)
    l1.evict(pairId)
    demoted++
  }
  return demoted
}
