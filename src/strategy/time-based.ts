import { bestFirst, type Candidate, percent, type Strategy } from './strategy.ts'

export interface TimeBasedOptions {
  readonly maxPairs: number
  readonly minScore: number
  /** 0 to 1: how much recency weighs against the probability of being read; a third unless given. */
  readonly recencyWeight?: number
  /** A pair that moved so long ago counts half as recent; a minute unless given. */
  readonly halfLifeMs?: number
}

const RECENCY_WEIGHT = 1 / 3
const HALF_LIFE_MS = 60_000

/** Those that are likely to be read and moved lately, both weighed; what did not move for long is the same as before. */
export function timeBased(options: TimeBasedOptions): Strategy {
  const { maxPairs, minScore, recencyWeight = RECENCY_WEIGHT, halfLifeMs = HALF_LIFE_MS } = options
  const weigh = (candidate: Candidate): Candidate => {
    const { score, benefit = score, movedAgoMs } = candidate
    if (movedAgoMs === undefined) return candidate
    const recency = 2 ** (-Math.max(0, movedAgoMs) / halfLifeMs)
    return { ...candidate, benefit: (1 - recencyWeight) * benefit + recencyWeight * recency }
  }
  return {
    name: 'time-based',
    select: (candidates) => ({
      selected: bestFirst(candidates.map(weigh), minScore).slice(0, maxPairs),
      reason: `the ${maxPairs} likeliest and most recently moved of those with at least ${percent(minScore)}`,
    }),
  }
}
