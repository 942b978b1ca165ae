import type { ProposingStrategy } from '../../schemas/warm-request.ts'
import { type AccessHistory, hourOf } from './access-history.ts'
import type { Proposal } from './proposal.ts'

/** From this confidence on a pair is worth a warm by a schedule. One that nobody reads costs a load and a slot. */
const WORTHWHILE_FROM: Readonly<Record<ProposingStrategy, number>> = {
  popular: 0.75,
  time_of_day: 0.9,
  market_open: 0.85,
  pattern: 0.75,
  trending: 0.5,
  sector_rotation: 0.5,
}
/** A popular pair may have times at which nobody reads it: it needs so many reads in the last hours. */
const RECENT_HOURS = 3
const RECENT_READS = 2

export interface Worth {
  readonly history: AccessHistory
  readonly strategy: ProposingStrategy
  readonly nowMs: number
}

/** The proposals that are sure enough to be warmed by a schedule. */
export function worthwhile(proposals: readonly Proposal[], { history, strategy, nowMs }: Worth): readonly Proposal[] {
  const hour = hourOf(nowMs)
  const isReadLately = (pairId: number) => history.between(pairId, hour - RECENT_HOURS + 1, hour) >= RECENT_READS
  return proposals.filter(
    ({ pairId, confidence }) =>
      confidence >= WORTHWHILE_FROM[strategy] && (strategy !== 'popular' || isReadLately(pairId)),
  )
}
