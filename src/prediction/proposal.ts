/** The predictions that make proposals. */
export const KINDS = ['popular', 'trending', 'time-of-day', 'session', 'forecast', 'sector-rotation'] as const
/** Which pattern of the past a recommendation rests on. */
export type Kind = (typeof KINDS)[number]

/** A pair that will be read, as history says. */
export interface Proposal {
  readonly pairId: number
  readonly kind: Kind
  /** The probability, 0 to 1, that it is read in an hour: the surest one of the hours ahead. */
  readonly confidence: number
  /** That hour, counted since 1970; absent if the confidence is for each of the hours ahead. */
  readonly hour?: number
  /** For people. */
  readonly reason: string
}

/** The surest first, among equals the lower id: so the same history always gives the same proposals. */
export function surest(proposals: readonly Proposal[], limit: number): readonly Proposal[] {
  return proposals.toSorted((a, b) => b.confidence - a.confidence || a.pairId - b.pairId).slice(0, limit)
}

/** The chance of at least one read in an hour if `perHour` are usual and come independently (Poisson). */
export function chanceOfRead(perHour: number): number {
  return 1 - Math.exp(-perHour)
}

/** The indices of the highest figures above 0, the highest first, among equals the first. Makes no object for the others. */
export function highest(figures: Float64Array, limit: number): readonly number[] {
  const least = Math.max(figures.toSorted()[figures.length - limit] ?? 0, Number.MIN_VALUE)
  const places: number[] = []
  for (const [place, figure] of figures.entries()) if (figure >= least) places.push(place)
  return places.sort((a, b) => (figures[b] as number) - (figures[a] as number) || a - b).slice(0, limit)
}
