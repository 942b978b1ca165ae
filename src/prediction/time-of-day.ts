import { type AccessHistory, DAY_HOURS } from './access-history.ts'
import { type Proposal, surest } from './proposal.ts'

/** Nothing is proposed from fewer days. */
const FEWEST_DAYS = 2
/** A pair begins with so many days with a read, and as many without. */
const PRIOR = 0.5

export interface TimeOfDayOptions {
  /** The current hour; proposals are for those after it. */
  readonly hour: number
  readonly lookAheadHours: number
  readonly minConfidence: number
  readonly limit: number
}

/** Proposes pairs that are usually read in the hours ahead, by the share of days on which they were. */
export function timeOfDay(history: AccessHistory, options: TimeOfDayOptions): readonly Proposal[] {
  const { hour, lookAheadHours, minConfidence, limit } = options
  const proposals: Proposal[] = []
  for (const pairId of history.pairIds()) {
    let best = { confidence: 0, days: 0, of: 0, at: hour }
    for (let at = hour + 1; at <= hour + lookAheadHours; at++) {
      const { days, of } = daysRead(history, pairId, at)
      if (of < FEWEST_DAYS) continue
      const confidence = (days + PRIOR) / (of + 2 * PRIOR)
      if (days > 0 && confidence > best.confidence) best = { confidence, days, of, at }
    }
    if (best.days === 0 || best.confidence < minConfidence) continue
    const clock = `${String(best.at % DAY_HOURS).padStart(2, '0')}:00`
    proposals.push({
      pairId,
      kind: 'time-of-day',
      confidence: best.confidence,
      hour: best.at,
      reason: `read at ${clock} UTC on ${best.days} of ${best.of} days`,
    })
  }
  return surest(proposals, limit)
}

/** On how many of the days before `hour`, and `of` how many, the pair was read at that time of the day. */
export function daysRead(
  history: AccessHistory,
  pairId: number,
  hour: number,
): { readonly days: number; readonly of: number } {
  let days = 0
  let of = 0
  for (let at = hour - DAY_HOURS; at >= history.firstHour; at -= DAY_HOURS) {
    // An hour that has not ended says nothing yet.
    if (at >= history.lastHour) continue
    of++
    if (history.in(pairId, at) > 0) days++
  }
  return { days, of }
}
