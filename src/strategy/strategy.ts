/**
 * Which of the pairs known to be read after an update are worth warming. Pure: candidates in, a choice and its reason
 * out. A candidate's score is the probability, 0 to 1, that the pair is read after the update.
 */
export interface Candidate {
  readonly pairId: number
  readonly score: number
  /** From the update to the read. */
  readonly lagMs: number
  /** Known from the reads of an update's handlers, or predicted by statistics. */
  readonly kind?: CandidateKind
  /** Since the pair's last own update; undefined where it is not known. */
  readonly movedAgoMs?: number
  /** What candidates are ranked by; the score unless given. */
  readonly benefit?: number
  /** What is known of it, where that is more than how often it is read. */
  readonly reason?: string
}

/** What they are known from, by which their warms are counted. */
export type CandidateKind = 'correlation' | 'prediction'

/** What warms have brought so far. */
export interface Evidence {
  /** Warms that have ended: read before they left, or not. */
  readonly used: number
  readonly unused: number
  /** 0 to 1, of the reads of late; undefined before there were any. */
  readonly hitRatio: number | undefined
}

export interface Selection {
  /** Best first. */
  readonly selected: readonly Candidate[]
  readonly reason: string
  /** What is to choose from now on; the same again unless given. */
  readonly next?: Strategy
}

export interface Strategy {
  readonly name: string
  /** The same for the same arguments, whenever it is asked. Without evidence as if there were none. */
  select(candidates: readonly Candidate[], evidence?: Evidence): Selection
}

/** The `topN` best of those with at least `minScore`. */
export function topN(options: { readonly topN: number; readonly minScore: number; readonly name?: string }): Strategy {
  const { topN, minScore, name = 'top-n' } = options
  return {
    name,
    select: (candidates) => ({
      selected: bestFirst(candidates, minScore).slice(0, topN),
      reason: `the ${topN} likeliest of those read after at least ${percent(minScore)} of updates`,
    }),
  }
}

/** All with at least `minScore`, up to `maxPairs`. */
export function threshold(options: {
  readonly minScore: number
  readonly maxPairs: number
  readonly name?: string
}): Strategy {
  const { minScore, maxPairs, name = 'threshold' } = options
  return {
    name,
    select: (candidates) => ({
      selected: bestFirst(candidates, minScore).slice(0, maxPairs),
      reason: `read after at least ${percent(minScore)} of updates`,
    }),
  }
}

/** For people: no more digits than a share has. */
export function percent(share: number): string {
  return `${Number((share * 100).toPrecision(6))} %`
}

/** Those with at least `minScore`, by what they would bring. */
export function bestFirst(candidates: readonly Candidate[], minScore: number): readonly Candidate[] {
  const worth = ({ benefit, score }: Candidate) => benefit ?? score
  return candidates.filter(({ score }) => score >= minScore).sort((a, b) => worth(b) - worth(a))
}
