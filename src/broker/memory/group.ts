import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ConsumerOptions, StartPosition, TopicPartition } from '../port.ts'
import type { PartitionLog } from './log.ts'
import type { MemoryTopics } from './topics.ts'

/** A partition as a member gets it: its log, the offset to read from, and a function that commits the next offset. */
export interface AssignedPartition extends TopicPartition {
  readonly log: PartitionLog
  readonly position: number
  readonly commit: (position: number) => void
  /** The offset at which reading ends. Undefined: it goes on. */
  readonly end?: number | undefined
}

export interface GroupMember {
  readonly options: Pick<ConsumerOptions, 'start'>
  /** The topics that it reads: those that were named, and those that match. */
  topics(): readonly string[]
  /** A topic was made. */
  found(topic: string): void
  /** Resolves when the last batch is drained and committed and the partitions are given up. Never rejects. */
  revoke(): Promise<void>
  assign(partitions: readonly AssignedPartition[]): void
}

/**
 * The coordinator of one consumer group: its members, its committed offsets (the next to read) and its eager
 * rebalances. All members give up all partitions before any member gets one, so a partition never has two readers.
 */
export class MemoryGroup {
  readonly #topics: MemoryTopics
  /** In the order in which they joined. */
  readonly #members = new Set<GroupMember>()
  readonly #committed = new Map<string, Map<number, number>>()
  #unsettled = false
  #settling: Promise<void> | undefined

  constructor(topics: MemoryTopics) {
    this.#topics = topics
  }

  get memberCount(): number {
    return this.#members.size
  }

  committed(topic: string, partition: number): number | undefined {
    return this.#committed.get(topic)?.get(partition)
  }

  commit(topic: string, partition: number, position: number): void {
    let offsets = this.#committed.get(topic)
    if (offsets === undefined) {
      offsets = new Map()
      this.#committed.set(topic, offsets)
    }
    offsets.set(partition, position)
  }

  forget(topic: string): void {
    this.#committed.delete(topic)
  }

  /**
   * A start at a timestamp or at offsets moves the whole group, so it counts only for the first member. A member that
   * joins later reads on from the group's offsets.
   */
  join(member: GroupMember): void {
    if (this.#members.size === 0) this.#open(member)
    this.#members.add(member)
    void this.rebalance()
  }

  /** The member has given up its partitions. */
  leave(member: GroupMember): void {
    if (this.#members.delete(member)) void this.rebalance()
  }

  reads(topic: string): boolean {
    return [...this.#members].some((member) => member.topics().includes(topic))
  }

  /** Resolves when the partitions are assigned. Calls that come in the meantime share one more round. */
  rebalance(): Promise<void> {
    this.#unsettled = true
    this.#settling ??= this.#settle()
    return this.#settling
  }

  async #settle(): Promise<void> {
    while (this.#unsettled) {
      await nextTurn()
      await Promise.all([...this.#members].map((member) => member.revoke()))
      // Nothing is awaited from here to the last assignment, so it counts members that joined or left during the drain.
      this.#unsettled = false
      this.#assign()
    }
    this.#settling = undefined
  }

  #assign(): void {
    const shares = new Map<GroupMember, AssignedPartition[]>()
    for (const member of this.#members) shares.set(member, [])
    for (const topic of new Set([...this.#members].flatMap((member) => member.topics()))) {
      const readers = [...this.#members].filter((member) => member.topics().includes(topic))
      this.#topics.find(topic)?.partitions.forEach((log, partition) => {
        // Equal partition numbers of all topics go to one member, whatever the number of members.
        const owner = readers[partition % readers.length]
        if (owner === undefined) return
        const position = this.#position({ topic, partition, log }, owner.options.start)
        const commit = (next: number) => this.commit(topic, partition, next)
        shares.get(owner)?.push({ topic, partition, log, position, commit })
      })
    }
    for (const [member, share] of shares) member.assign(share)
  }

  /** Commits a resolved start at once. Otherwise it would move with the log until the first batch is done. */
  #position({ topic, partition, log }: Omit<AssignedPartition, 'position' | 'commit'>, start: StartPosition): number {
    const committed = this.committed(topic, partition)
    if (committed !== undefined) return committed
    const latest = start.at === 'latest' || (start.at === 'committed' && start.otherwise === 'latest')
    const position = latest ? log.high : log.low
    this.commit(topic, partition, position)
    return position
  }

  /** A topic was made: members that it matches read it from now on. */
  found(topic: string): void {
    if (!this.reads(topic)) return
    for (const member of this.#members) member.found(topic)
    void this.rebalance()
  }

  #open(member: GroupMember): void {
    const { start } = member.options
    if (start.at === 'offsets') {
      for (const { topic, partition, offset } of start.offsets) this.commit(topic, partition, Number(offset))
    }
    if (start.at === 'timestamp') {
      for (const topic of member.topics()) {
        this.#topics.find(topic)?.partitions.forEach((log, partition) => {
          this.commit(topic, partition, log.offsetAt(start.timestampMs) ?? log.high)
        })
      }
    }
  }
}
