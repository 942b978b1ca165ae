import type { AccessHistory } from './access-history.ts'
import { chanceOfRead, type Proposal, surest } from './proposal.ts'

export interface RotationOptions {
  readonly hour: number
  readonly limit: number
  /** The pair's group; undefined where it is in none. */
  readonly groupOf: (pairId: number) => string | undefined
}

const RECENT_HOURS = 3
/** A group whose share of the reads rose by half, on so many reads at least, has its turn. */
const TURN = 1.5
const FEWEST_READS = 20

interface GroupReads {
  recent: number
  before: number
  members: number
}

/** Which group's turn it is, from its share of the reads in the last hours against that in the hours before, and its pairs. */
export function sectorRotation(history: AccessHistory, { hour, limit, groupOf }: RotationOptions): readonly Proposal[] {
  const from = hour - RECENT_HOURS + 1
  const groups = new Map<string, GroupReads>()
  const all = { recent: 0, before: 0 }
  const readsRecently = history.weighted((each) => Number(each >= from && each <= hour))
  const readsBefore = history.weighted((each) => Number(each < from))
  for (const [place, recent] of readsRecently.entries()) {
    const name = groupOf(history.pairAt(place))
    const before = readsBefore[place] as number
    all.recent += recent
    all.before += before
    if (name === undefined) continue
    const group = groups.get(name) ?? { recent: 0, before: 0, members: 0 }
    group.recent += recent
    group.before += before
    group.members++
    groups.set(name, group)
  }
  if (all.recent === 0 || all.before === 0) return []
  const riseOf = ({ recent, before }: GroupReads) => recent / all.recent / Math.max(before / all.before, 1 / all.before)
  const proposals: Proposal[] = []
  for (const [place, reads] of readsRecently.entries()) {
    const pairId = history.pairAt(place)
    const name = groupOf(pairId)
    const group = name === undefined ? undefined : groups.get(name)
    if (group === undefined || group.recent < FEWEST_READS || riseOf(group) < TURN) continue
    // A pair that was not read yet follows its group.
    const perHour = Math.max(reads, group.recent / group.members) / RECENT_HOURS
    proposals.push({
      pairId,
      kind: 'sector-rotation',
      confidence: chanceOfRead(perHour) * (1 - 1 / riseOf(group)),
      reason: `${name} has ${riseOf(group).toFixed(1)} times its usual share of the reads`,
    })
  }
  return surest(proposals, limit)
}
