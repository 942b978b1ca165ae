import { type AccessHistory, DAY_HOURS } from './access-history.ts'
import { chanceOfRead, type Proposal, surest } from './proposal.ts'

/** What was read most, where a day ago counts half: the chance of a read in an hour at that rate. */
export function popular(
  history: AccessHistory,
  options: { readonly hour: number; readonly limit: number },
): readonly Proposal[] {
  const { hour, limit } = options
  const weights: number[] = []
  for (let each = hour; each >= history.firstHour; each--) weights.push(2 ** ((each - hour) / DAY_HOURS))
  const sum = weights.reduce((total, weight) => total + weight, 0)
  const proposals: Proposal[] = []
  for (let pairId = 0; pairId < history.pairs; pairId++) {
    if (!history.wasRead(pairId)) continue
    let reads = 0
    for (const [age, weight] of weights.entries()) reads += history.in(pairId, hour - age) * weight
    if (reads === 0) continue
    const perHour = reads / sum
    proposals.push({
      pairId,
      kind: 'popular',
      confidence: chanceOfRead(perHour),
      reason: `${rate(perHour)} an hour lately`,
    })
  }
  return surest(proposals, limit)
}

function rate(perHour: number): string {
  return `${perHour >= 10 ? Math.round(perHour) : perHour.toPrecision(2)} reads`
}
