import { bestFirst, type Candidate, type Evidence, percent, type Selection, type Strategy } from './strategy.ts'

/** How far, and how fast, `adaptive` changes the number of pairs. */
export interface AdaptiveOptions {
  /** 0 to 1: with a higher hit ratio of reads, less is warmed. */
  readonly targetHitRate: number
  readonly minPairs: number
  readonly maxPairs: number
  /** 0 to 1: a pair with a lower probability of being read is never warmed. */
  readonly minScore: number
  /** 0 to 1: the longest step, as a part of the way from `minPairs` to `maxPairs`. */
  readonly adjustmentFactor: number
}

export const ADAPTIVE: AdaptiveOptions = {
  targetHitRate: 0.97,
  minPairs: 3,
  maxPairs: 10,
  minScore: 0.3,
  adjustmentFactor: 0.1,
}

/** One more pair pays if at least this share of the warms that ended since the last step were read. */
const BREAK_EVEN = 0.2
/** At this distance from the target, a step has its full length. */
const FULL_STEP_AT = 0.1
/** Warms that must have ended between two steps: fewer say nothing about the last pair warmed. */
const STEP_WARMS = 50

/**
 * Adapts how many pairs an update warms: more while reads miss and recent warms were read, fewer when the target is
 * reached or recent warms were not read. The count is a fraction, as a count rounded at each step would not move by small
 * steps. It stays within its bounds, so that it need not come back from far beyond them.
 */
export function adaptive(options: AdaptiveOptions = ADAPTIVE): Strategy {
  return standing(options, {
    wanted: (options.minPairs + options.maxPairs) / 2,
    seen: { used: 0, unused: 0, hitRatio: undefined },
  })
}

/** The current count, and the evidence at the last step. */
interface Standing {
  readonly wanted: number
  readonly seen: Evidence
}

function standing(options: AdaptiveOptions, { wanted, seen }: Standing): Strategy {
  const { minPairs, maxPairs, minScore } = options
  return {
    name: 'adaptive',
    select(candidates: readonly Candidate[], evidence: Evidence = seen): Selection {
      const ended = evidence.used + evidence.unused - seen.used - seen.unused
      if (ended >= STEP_WARMS) {
        const told = { accuracy: (evidence.used - seen.used) / ended, hitRatio: evidence.hitRatio }
        const next = standing(options, { wanted: nextCount(wanted, told, options), seen: evidence })
        return { ...next.select(candidates, evidence), next }
      }
      const count = Math.round(wanted)
      return {
        selected: bestFirst(candidates, minScore).slice(0, count),
        reason: `the ${count} likeliest (${minPairs} to ${maxPairs}, by how many warms are read) of those with at least ${percent(minScore)}`,
      }
    },
  }
}

/** One step of the count. `accuracy`: the share of the warms that ended since the last step that were read. */
export function nextCount(
  wanted: number,
  { accuracy, hitRatio }: { readonly accuracy: number; readonly hitRatio: number | undefined },
  { targetHitRate, minPairs, maxPairs, adjustmentFactor }: AdaptiveOptions,
): number {
  const missing = targetHitRate - (hitRatio ?? 0)
  const pays = accuracy >= BREAK_EVEN
  const longest = adjustmentFactor * (maxPairs - minPairs)
  const part = pays ? missing / FULL_STEP_AT : accuracy / BREAK_EVEN - 1
  const step = longest * Math.max(-1, Math.min(1, part))
  return Math.max(minPairs, Math.min(maxPairs, wanted + step))
}
