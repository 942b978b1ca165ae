import { partitionName } from '../../partition-name.ts'
import type { TopicPartition } from '../../port.ts'
import type { Subscription } from './protocol.ts'

export interface Subscriber extends Subscription {
  readonly memberId: string
}

/** What always goes to one member together. */
interface Unit {
  readonly name: string
  readonly partitions: readonly TopicPartition[]
}

/** Units that the same members may get. */
interface Share {
  readonly units: readonly Unit[]
  readonly readers: readonly string[]
}

export interface Assignments {
  readonly byMember: ReadonlyMap<string, readonly TopicPartition[]>
  /** Partitions that wait until the member that holds them has given them up. */
  readonly isMoreToCome: boolean
}

/**
 * Shares the partitions out among the members that subscribed to their topics:
 *
 * - Topics of equal partition counts, read by the same members, are co-partitioned: equal partition numbers go to one
 *   member. Topics of one partition are each shared out for themselves, or all of them would go to one member.
 * - Each unit goes to the member with the fewest partitions that may have it. What few members read is shared out first, so
 *   that those who read more topics leave it to them. A member keeps as much as it can of what it holds.
 * - A partition that is to move is given to nobody as long as its holder has not given it up (KIP-429): the holder
 *   gives it up and joins again, and then it moves.
 */
export function assign(members: readonly Subscriber[], counts: ReadonlyMap<string, number>): Assignments {
  const holders = holdersOf(members)
  const loads = new Map(members.map(({ memberId }) => [memberId, 0]))
  const byMember = new Map(members.map(({ memberId }) => [memberId, [] as TopicPartition[]]))
  let isMoreToCome = false
  for (const share of sharesOf(members, counts)) {
    for (const [unit, memberId] of shareOut(share, holders, loads)) {
      for (const partition of unit.partitions) {
        const holder = holders.get(partitionName(partition)) ?? memberId
        if (holder === memberId) byMember.get(memberId)?.push(partition)
        else isMoreToCome = true
      }
    }
  }
  return { byMember, isMoreToCome }
}

/** Who holds what. If two claim a partition, the one of the later generation holds it; in one generation, neither. */
function holdersOf(members: readonly Subscriber[]): Map<string, string> {
  const holders = new Map<string, string>()
  const generations = new Map<string, number>()
  for (const { memberId, owned, generation } of members)
    for (const partition of owned) {
      const name = partitionName(partition)
      const known = generations.get(name)
      if (known === generation) holders.delete(name)
      if (known !== undefined && known >= generation) continue
      generations.set(name, generation)
      holders.set(name, memberId)
    }
  return holders
}

function sharesOf(members: readonly Subscriber[], counts: ReadonlyMap<string, number>): Share[] {
  const classes = new Map<string, { readonly topics: string[]; readonly count: number; readonly readers: string[] }>()
  for (const [topic, count] of [...counts].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const readers = members.filter(({ topics }) => topics.includes(topic)).map(({ memberId }) => memberId)
    if (readers.length === 0 || count === 0) continue
    const name = `${count} ${readers.toSorted().join(' ')}`
    const known = classes.get(name)
    if (known === undefined) classes.set(name, { topics: [topic], count, readers })
    else known.topics.push(topic)
  }
  return [...classes.values()]
    .sort((a, b) => a.readers.length - b.readers.length)
    .map(({ topics, count, readers }) => ({ readers, units: unitsOf(topics, count) }))
}

function unitsOf(topics: readonly string[], count: number): Unit[] {
  if (count === 1) return topics.map((topic) => ({ name: topic, partitions: [{ topic, partition: 0 }] }))
  return Array.from({ length: count }, (_, partition) => ({
    name: `${partition}`,
    partitions: topics.map((topic) => ({ topic, partition })),
  }))
}

/** Each unit with the member that is to have it. `loads`: partitions that each member has got by now; goes on counting. */
function shareOut(
  { units, readers }: Share,
  holders: ReadonlyMap<string, string>,
  loads: Map<string, number>,
): Map<Unit, string> {
  const held = new Map<string, Unit[]>(readers.map((reader) => [reader, []]))
  const free: Unit[] = []
  for (const unit of units) (held.get(holderOf(unit, holders) ?? '') ?? free).push(unit)
  const quotas = quotasOf(units, held, loads)
  const owners = new Map<Unit, string>()
  const give = (unit: Unit, reader: string): void => {
    owners.set(unit, reader)
    quotas.set(reader, (quotas.get(reader) ?? 0) - 1)
    loads.set(reader, (loads.get(reader) ?? 0) + unit.partitions.length)
  }
  for (const [reader, own] of held)
    for (const unit of own) {
      if ((quotas.get(reader) ?? 0) > 0) give(unit, reader)
      else free.push(unit)
    }
  const open = [...quotas].flatMap(([reader, quota]) => Array.from({ length: quota }, () => reader))
  for (const [at, unit] of free.entries()) give(unit, open[at] as string)
  return owners
}

/** How many units each reader is to have. The next goes to the one with the fewest partitions; if equal, to one that holds more. */
function quotasOf(
  units: readonly Unit[],
  held: ReadonlyMap<string, readonly Unit[]>,
  loads: ReadonlyMap<string, number>,
): Map<string, number> {
  const readers = [...held]
    .map(([reader, { length: holds }]) => ({ reader, holds, load: loads.get(reader) ?? 0, quota: 0 }))
    .sort((a, b) => (a.reader < b.reader ? -1 : 1))
  for (const { partitions } of units) {
    const next = readers.reduce((best, each) => {
      if (each.load !== best.load) return each.load < best.load ? each : best
      return each.holds - each.quota > best.holds - best.quota ? each : best
    })
    next.quota += 1
    next.load += partitions.length
  }
  return new Map(readers.map(({ reader, quota }) => [reader, quota]))
}

/** A unit is held by who holds most of it. */
function holderOf(unit: Unit, holders: ReadonlyMap<string, string>): string | undefined {
  const counts = new Map<string, number>()
  for (const partition of unit.partitions) {
    const holder = holders.get(partitionName(partition))
    if (holder !== undefined) counts.set(holder, (counts.get(holder) ?? 0) + 1)
  }
  return [...counts].sort(([a, most], [b, other]) => other - most || (a < b ? -1 : 1))[0]?.[0]
}
