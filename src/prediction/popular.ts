import { type AccessHistory, DAY_HOURS } from './access-history.ts'
import { chanceOfRead, highest, type Proposal } from './proposal.ts'

/** Proposes the pairs read most, with the chance of a read in an hour at their rate; a read a day ago counts half. */
export function popular(
  history: AccessHistory,
  { hour, limit }: { readonly hour: number; readonly limit: number },
): readonly Proposal[] {
  const weightOf = (each: number) => (each > hour ? 0 : 2 ** ((each - hour) / DAY_HOURS))
  let sum = 0
  for (let each = Math.max(0, history.firstHour); each <= hour; each++) sum += weightOf(each)
  const reads = history.weighted(weightOf)
  return highest(reads, limit).map((place) => {
    const perHour = (reads[place] as number) / sum
    return {
      pairId: history.pairAt(place),
      kind: 'popular',
      confidence: chanceOfRead(perHour),
      reason: `${rate(perHour)} an hour lately`,
    }
  })
}

function rate(perHour: number): string {
  return `${perHour >= 10 ? Math.round(perHour) : perHour.toPrecision(2)} reads`
}
