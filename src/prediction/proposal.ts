/** Where a proposal comes from. */
export const KINDS = ['popular', 'trending', 'time-of-day', 'session', 'forecast', 'sector-rotation'] as const
export type Kind = (typeof KINDS)[number]

/** A pair that history says will be read, and how sure it is. */
export interface Proposal {
  readonly pairId: number
  readonly kind: Kind
  /** 0 to 1: that it is read in an hour; of the hours looked ahead, the one for which that is surest. */
  readonly confidence: number
  /** The hour for which that is, since 1970; absent where it is for each of the hours looked ahead. */
  readonly hour?: number
  /** For people. */
  readonly reason: string
}

/** The surest first; of equals the one with the lower id, so that the same history always says the same. */
export function surest(proposals: readonly Proposal[], limit: number): readonly Proposal[] {
  return proposals.toSorted((a, b) => b.confidence - a.confidence || a.pairId - b.pairId).slice(0, limit)
}

/** The chance of at least one read in an hour where `perHour` are usual and come independently (Poisson). */
export function chanceOfRead(perHour: number): number {
  return 1 - Math.exp(-perHour)
}

/** Where the highest figures above 0 are, the highest first; of equals the first. Without an object for each of the others. */
export function highest(figures: Float64Array, limit: number): readonly number[] {
  const least = Math.max(figures.toSorted()[figures.length - limit] ?? 0, Number.MIN_VALUE)
  const places: number[] = []
  for (const [place, figure] of figures.entries()) if (figure >= least) places.push(place)
  return places.sort((a, b) => (figures[b] as number) - (figures[a] as number) || a - b).slice(0, limit)
}
