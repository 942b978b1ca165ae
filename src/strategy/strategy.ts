/**
 * A pair that may be worth warming after an update. Strategies choose among candidates. They are pure: candidates go in,
 * a choice and its reason come out.
 */
export interface Candidate {
  readonly pairId: number
  /** The probability, 0 to 1, that the pair is read after the update. */
  readonly score: number
  /** The time from the update to the read. */
  readonly lagMs: number
  readonly kind?: CandidateKind
  /** The time since the pair's own last update; undefined if not known. */
  readonly movedAgoMs?: number
  /** Candidates are ranked by it; the score unless given. */
  readonly benefit?: number
  /** The evidence, if there is more than the score. */
  readonly reason?: string
}

/** Known from the reads of an update's handlers, or predicted by statistics. Their warms are counted separately. */
export type CandidateKind = 'correlation' | 'prediction'

/** The success of warming so far, as of an update. */
export interface Evidence {
  /** Warms that have ended: `used` were read before they left L1. */
  readonly used: number
  readonly unused: number
  /** 0 to 1, of recent reads; undefined before any. */
  readonly hitRatio: number | undefined
  /** The event time of the update, in milliseconds. Undefined where time does not matter. */
  readonly eventTimeMs?: number
}

export interface Selection {
  /** Best first. */
  readonly selected: readonly Candidate[]
  readonly reason: string
  /** The strategy that chooses next; the same one unless given. */
  readonly next?: Strategy
}

export interface Strategy {
  readonly name: string
  /** Returns the same for the same arguments. */
  select(candidates: readonly Candidate[], evidence?: Evidence): Selection
}

/** The most pairs of a choice, and the probability, 0 to 1, that each of them needs. */
export interface Limits {
  readonly maxPairs: number
  readonly minScore: number
}

/** Selects the best `maxPairs` candidates with at least `minScore`. */
export function topN({ maxPairs, minScore }: Limits, name = 'top-n'): Strategy {
  const reason = `the ${maxPairs} likeliest of those read after at least ${percent(minScore)} of updates`
  return {
    name,
    select: (candidates) => ({ selected: bestFirst(candidates, minScore).slice(0, maxPairs), reason }),
  }
}

/** Selects all candidates with at least `minScore`, the best `maxPairs` at most. */
export function threshold({ maxPairs, minScore }: Limits, name = 'threshold'): Strategy {
  const reason = `read after at least ${percent(minScore)} of updates`
  return {
    name,
    select: (candidates) => ({ selected: bestFirst(candidates, minScore).slice(0, maxPairs), reason }),
  }
}

/** A read with a lower probability is no reason to hurry. */
const CONFIDENT = 0.7

/** The priority of a warm for a read with this probability. */
export function priorityOf(score: number): 'high' | 'medium' {
  return score >= CONFIDENT ? 'high' : 'medium'
}

/** A share for people, without digits that are only rounding errors. */
export function percent(share: number): string {
  return `${Number((share * 100).toPrecision(6))} %`
}

/** The candidates with at least `minScore`, by descending benefit. */
export function bestFirst(candidates: readonly Candidate[], minScore: number): readonly Candidate[] {
  const worth = ({ benefit, score }: Candidate) => benefit ?? score
  return candidates.filter(({ score }) => score >= minScore).sort((a, b) => worth(b) - worth(a))
}
