import type { AccessHistory } from './access-history.ts'
import { chanceOfRead, type Proposal, surest } from './proposal.ts'

/** So many standard deviations above the expected reads make a trend. */
const NOTABLE = 3

export interface TrendingOptions {
  readonly hour: number
  readonly windowHours: number
  readonly limit: number
}

/**
 * Proposes pairs that are read more than before. The reads in the window are compared with those that the earlier rate
 * lets expect, in standard deviations of a count: its square root, + 1 so that a first read is no trend. The hours
 * before the window must be at least as many as those in it.
 */
export function trending(history: AccessHistory, { hour, windowHours, limit }: TrendingOptions): readonly Proposal[] {
  const from = hour - windowHours + 1
  const hoursBefore = from - history.firstHour
  if (hoursBefore < windowHours) return []
  const proposals: Proposal[] = []
  const recent = history.weighted((each) => Number(each >= from && each <= hour))
  const before = history.weighted((each) => Number(each < from))
  for (const [place, reads] of recent.entries()) {
    const expected = ((before[place] as number) * windowHours) / hoursBefore
    const deviations = (reads - expected) / Math.sqrt(expected + 1)
    if (deviations < NOTABLE) continue
    proposals.push({
      pairId: history.pairAt(place),
      kind: 'trending',
      confidence: chanceOfRead(reads / windowHours),
      reason: `${reads} reads in ${windowHours} h, ${Number(expected.toPrecision(2))} expected`,
    })
  }
  return surest(proposals, limit)
}
