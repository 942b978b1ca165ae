import type { AccessPattern } from './pattern.ts'
import type { PatternsDocument } from './patterns-document.ts'
import type { PredictorStats } from './predictor.ts'
import type { Kind } from './proposal.ts'

/** A pair that history says will be read. */
export interface Recommendation {
  readonly chain: string
  readonly pair: string
  readonly kind: Kind
  /** 0 to 1. */
  readonly confidence: number
  readonly reason: string
}

/** How far to look ahead, and how many recommendations to give. */
export interface RecommendationOptions {
  /** Hours, a whole number up to 24. Default: 1. */
  readonly lookAheadHours?: number
  /** The most recommendations, a whole number. Default: 100. */
  readonly limit?: number
}

/** How a pair is read, and which pair it is. */
export interface NamedPattern extends AccessPattern {
  readonly chain: string
  readonly pair: string
}

/** Predicts reads from the history of reads: the node's own, or with PATTERN_STORE=redis that of all nodes. */
export interface NodePredictor {
  /** Throws a ForewarmError 'bad-value' for options that are out of range. */
  recommendations(options?: RecommendationOptions): readonly Recommendation[]
  /** Undefined for a pair that was not read. */
  pattern(chain: string, pair: string): AccessPattern | undefined
  /** The patterns of the pairs that were read most, at most 100 by default. Throws a ForewarmError 'bad-value' for a limit that is not a whole number. */
  patterns(limit?: number): readonly NamedPattern[]
  stats(): PredictorStats
  exportPatterns(): PatternsDocument
  /** Takes a document of `exportPatterns`. Returns its fault, or the number of pairs for which there was no room. */
  importPatterns(document: unknown): { readonly refused: number } | { readonly problem: string }
}
