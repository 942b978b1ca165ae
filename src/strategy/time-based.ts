import { bestFirst, type Candidate, percent, type Strategy } from './strategy.ts'

export interface TimeBasedOptions {
  readonly maxPairs: number
  readonly minScore: number
}

/** Of recency, against the probability of being read. */
const RECENCY_WEIGHT = 1 / 3
/** A pair that moved so long ago counts half as recent. */
const HALF_LIFE_MS = 60_000

/** Those that are likely to be read and moved lately, both weighed; what did not move for long is the same as before. */
export function timeBased(options: TimeBasedOptions): Strategy {
  const { maxPairs, minScore } = options
  const weigh = (candidate: Candidate): Candidate => {
    const { score, benefit = score, movedAgoMs } = candidate
    if (movedAgoMs === undefined) return candidate
    const recency = 2 ** (-Math.max(0, movedAgoMs) / HALF_LIFE_MS)
    return { ...candidate, benefit: (1 - RECENCY_WEIGHT) * benefit + RECENCY_WEIGHT * recency }
  }
  return {
    name: 'time-based',
    select: (candidates) => ({
      selected: bestFirst(candidates.map(weigh), minScore).slice(0, maxPairs),
      reason: `the ${maxPairs} likeliest and most recently moved of those with at least ${percent(minScore)}`,
    }),
  }
}
