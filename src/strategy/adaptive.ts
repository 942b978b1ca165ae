import { bestFirst, type Candidate, type Evidence, percent, type Selection, type Strategy } from './strategy.ts'

export interface AdaptiveOptions {
  /** 0 to 1: the hit ratio of reads above which less is warmed. */
  readonly targetHitRate: number
  readonly minPairs: number
  readonly maxPairs: number
  /** 0 to 1: the probability of being read below which a pair is never warmed. */
  readonly minScore: number
  /** 0 to 1: the part of the way from the fewest to the most pairs that one step may go. */
  readonly adjustmentFactor: number
}

export const ADAPTIVE: AdaptiveOptions = {
  targetHitRate: 0.97,
  minPairs: 3,
  maxPairs: 10,
  minScore: 0.3,
  adjustmentFactor: 0.1,
}

/** Of the warms that have ended since the last step, so many must be read for another one to pay. */
const BREAK_EVEN = 0.2
/** So far from the target a step is as long as it may be. */
const FULL_STEP_AT = 0.1
/** Warms that have ended between two steps: fewer say nothing of the last pair warmed. */
const STEP_WARMS = 50

/**
 * How many pairs one update warms follows what warming brings: more while reads miss and the warms of late were read,
 * fewer when the target is reached or when they were not. The count is kept as a fraction, since one that is rounded at
 * each step stands still where steps are small, and within its bounds, so that a long way beyond them is not to be come
 * back from.
 */
export function adaptive(options: AdaptiveOptions = ADAPTIVE): Strategy {
  return standing(options, {
    wanted: (options.minPairs + options.maxPairs) / 2,
    seen: { used: 0, unused: 0, hitRatio: undefined },
  })
}

/** Where the count stands, and by what evidence. */
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
        reason: `the ${count} likeliest (${minPairs} to ${maxPairs}, as warms are read) of those with at least ${percent(minScore)}`,
      }
    },
  }
}

/** One step of the count. `accuracy`: of the warms that have ended since the last step. */
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
