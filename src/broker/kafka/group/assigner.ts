import { partitionName } from '../../partition-name.ts'
import type { TopicPartition } from '../../port.ts'
import type { Subscription } from './protocol.ts'
import { quotasOf } from './quotas.ts'

export interface Subscriber extends Subscription {
  readonly memberId: string
}

/** What always goes to one member together. */
type Unit = readonly TopicPartition[]

/** Units of equal weight: the partition numbers of topics with equal counts, or the topics of one partition. */
type Units = readonly Unit[]

/** What the same members may get. */
interface Share {
  readonly kinds: readonly Units[]
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
 * - Members that may have a unit differ by no more than that (quotas.ts). What few members read is shared out first, so
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
      for (const partition of unit) {
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

/** Those with fewer readers first. */
function sharesOf(members: readonly Subscriber[], counts: ReadonlyMap<string, number>): readonly Share[] {
  const shares = new Map<string, { readonly readers: readonly string[]; readonly topics: Map<number, string[]> }>()
  const readersOf = readersOfTopics(members)
  for (const [topic, count] of [...counts].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const readers = readersOf.get(topic) ?? []
    if (readers.length === 0 || count === 0) continue
    const name = readers.join(' ')
    const share = shares.get(name) ?? { readers, topics: new Map<number, string[]>() }
    shares.set(name, share)
    const topics = share.topics.get(count) ?? []
    share.topics.set(count, topics)
    topics.push(topic)
  }
  return [...shares.values()]
    .sort((a, b) => a.readers.length - b.readers.length)
    .map(({ readers, topics }) => ({ readers, kinds: [...topics].map(([count, names]) => unitsOf(names, count)) }))
}

/** Members in the order of their ids, whatever the coordinator's is. */
function readersOfTopics(members: readonly Subscriber[]): ReadonlyMap<string, readonly string[]> {
  const readers = new Map<string, string[]>()
  for (const { memberId, topics } of members.toSorted((a, b) => (a.memberId < b.memberId ? -1 : 1)))
    for (const topic of new Set(topics)) {
      const known = readers.get(topic)
      if (known === undefined) readers.set(topic, [memberId])
      else known.push(memberId)
    }
  return readers
}

function unitsOf(topics: readonly string[], count: number): Units {
  if (count === 1) return topics.map((topic) => [{ topic, partition: 0 }])
  return Array.from({ length: count }, (_, partition) => topics.map((topic) => ({ topic, partition })))
}

/** Each unit with the member that is to have it. `loads`: partitions that each member has got by now; goes on counting. */
function shareOut(
  { kinds, readers }: Share,
  holders: ReadonlyMap<string, string>,
  loads: Map<string, number>,
): Map<Unit, string> {
  const places = new Map(readers.map((reader, at) => [reader, at]))
  const sorted = kinds.map((units) => {
    const held = readers.map((): Unit[] => [])
    const free: Unit[] = []
    for (const unit of units) (held[places.get(holderOf(unit, holders) ?? '') ?? -1] ?? free).push(unit)
    return { units: units.length, weight: units[0]?.length ?? 0, held, free }
  })
  const sums = readers.map((reader) => loads.get(reader) ?? 0)
  const counted = sorted.map(({ held, ...kind }) => ({ ...kind, held: held.map(({ length }) => length) }))
  const quotas = quotasOf(counted, sums)
  const owners = new Map<Unit, string>()
  for (const [kind, { held, free }] of sorted.entries()) {
    const open = readers.flatMap((reader, at) => {
      const quota = quotas[kind]?.[at] ?? 0
      const own = held[at] ?? []
      for (const unit of own.slice(0, quota)) owners.set(unit, reader)
      free.push(...own.slice(quota))
      return Array.from({ length: Math.max(0, quota - own.length) }, () => reader)
    })
    for (const [at, reader] of open.entries()) owners.set(free[at] as Unit, reader)
  }
  for (const [at, reader] of readers.entries()) loads.set(reader, sums[at] ?? 0)
  return owners
}

/** A unit is held by who holds most of it. */
function holderOf(unit: Unit, holders: ReadonlyMap<string, string>): string | undefined {
  const counts = new Map<string, number>()
  for (const partition of unit) {
    const holder = holders.get(partitionName(partition))
    if (holder !== undefined) counts.set(holder, (counts.get(holder) ?? 0) + 1)
  }
  return [...counts].sort(([a, most], [b, other]) => other - most || (a < b ? -1 : 1))[0]?.[0]
}
