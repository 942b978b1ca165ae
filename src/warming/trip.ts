import type { WarmOutcome } from '../../schemas/warm-result.ts'
import { warmKindOf } from '../cache/l1/usage.ts'
import { TABLE_FULL } from '../cache/names/pair-table.ts'
import type { Promoted, PromotionOutcome } from '../cache/promotion.ts'
import { isPair } from './admission.ts'
import type { WarmJob } from './warm-job.ts'

/** One promotion for several requests. A pair that several of them ask for is promoted once. */
export interface Trip {
  readonly jobs: readonly WarmJob[]
  readonly pairIds: readonly number[]
  /** The index of each pair in `pairIds`. */
  readonly places: ReadonlyMap<number, number>
  /** The kind of the request that asked for each pair first: indexes of WARM_KINDS or `warmCode`s, in the order of `pairIds`. */
  readonly kinds: readonly number[]
  /** The number of times that a pair was asked for again. */
  readonly coalesced: number
}

/** `kindOf`: the kind of a request's warms; `warmKindOf` unless given. */
export function planTrip(jobs: readonly WarmJob[], kindOf = (job: WarmJob) => warmKindOf(job.request)): Trip {
  const places = new Map<number, number>()
  const kinds: number[] = []
  let asked = 0
  for (const job of jobs) {
    const kind = kindOf(job)
    for (const pairId of job.pairIds) {
      if (!isPair(pairId)) continue
      asked++
      if (places.has(pairId)) continue
      places.set(pairId, places.size)
      kinds.push(kind)
    }
  }
  return { jobs, pairIds: [...places.keys()], places, kinds, coalesced: asked - places.size }
}

/** The outcomes of a job's pairs, in the order of its request. */
export function outcomesOf(job: WarmJob, trip: Trip, promoted: Promoted): WarmOutcome[] {
  return job.pairIds.map((pairId) => {
    if (pairId === TABLE_FULL) return 'noRoom'
    const place = trip.places.get(pairId)
    return place === undefined ? 'notInterested' : (promoted.outcomes[place] as PromotionOutcome)
  })
}
