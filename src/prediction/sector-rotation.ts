import type { AccessHistory } from './access-history.ts'
import { chanceOfRead, type Proposal, surest } from './proposal.ts'

export interface RotationOptions {
  readonly hour: number
  readonly limit: number
  /** The pair's group; undefined if it is in none. */
  readonly groupOf: (pairId: number) => string | undefined
}

const RECENT_HOURS = 3
/** It is a group's turn if its share of the reads rose to this multiple, with at least FEWEST_READS reads. */
const TURN = 1.5
const FEWEST_READS = 20

interface GroupReads {
  recent: number
  before: number
  members: number
}

/** Proposes the pairs of groups whose turn it is: whose share of the reads has risen in the last hours. */
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
    // A pair with fewer reads than its group's mean is expected to follow the group.
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
