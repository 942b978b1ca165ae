import type { FirstLevel } from '../l1/first-level.ts'
import type { Freshness } from './freshness.ts'

interface KindFigures {
  /** How many of them are in L1. */
  readonly pairs: number
  /** Reads that found a price. */
  readonly reads: number
  /** The largest bound of recent reads; null if one was not known. */
  readonly largestBehindMs: number | null
}

/** How fresh the prices are that a node reads, by who gets their updates: this node, or another one or nobody knows. */
export interface FreshnessFigures {
  readonly followed: KindFigures
  readonly foreign: KindFigures & {
    /** Changes that L2 told of, values that were read again, and times that changes may have been missed. */
    readonly invalidations: number
    readonly rereads: number
    readonly losses: number
  }
}

export interface FreshnessParts {
  readonly l1: Pick<FirstLevel, 'followedPairs' | 'usage'>
  readonly freshness: Freshness | undefined
  readonly foreign: { readonly invalidations: number; readonly reads: number; readonly losses: number } | undefined
}

export function freshnessFigures({ l1, freshness, foreign }: FreshnessParts): FreshnessFigures {
  const pairs = l1.followedPairs()
  const of = (kind: 'followed' | 'foreign') => {
    const largestMs = freshness?.largestMs(kind) ?? 0
    return { reads: freshness?.[kind].reads ?? 0, largestBehindMs: Number.isFinite(largestMs) ? largestMs : null }
  }
  const { invalidations = 0, reads: rereads = 0, losses = 0 } = foreign ?? {}
  return {
    followed: { pairs, ...of('followed') },
    foreign: { pairs: l1.usage.resident - pairs, ...of('foreign'), invalidations, rereads, losses },
  }
}
