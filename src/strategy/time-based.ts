import { bestFirst, type Candidate, type Limits, percent, type Strategy } from './strategy.ts'

/** The weight of recency in the benefit; the rest is the probability of being read. */
const RECENCY_WEIGHT = 1 / 3
/** Recency halves with each such time since the pair's last update. */
const HALF_LIFE_MS = 60_000

/** Ranks candidates by both the probability of being read and how recently they were updated. */
export function timeBased({ maxPairs, minScore }: Limits): Strategy {
  const weigh = (candidate: Candidate): Candidate => {
    const { score, benefit = score, movedAgoMs } = candidate
    if (movedAgoMs === undefined) return candidate
    const recency = 2 ** (-Math.max(0, movedAgoMs) / HALF_LIFE_MS)
    return { ...candidate, benefit: (1 - RECENCY_WEIGHT) * benefit + RECENCY_WEIGHT * recency }
  }
  const reason = `the ${maxPairs} likeliest and most recently moved of those with at least ${percent(minScore)}`
  return {
    name: 'time-based',
    select: (candidates) => ({ selected: bestFirst(candidates.map(weigh), minScore).slice(0, maxPairs), reason }),
  }
}
