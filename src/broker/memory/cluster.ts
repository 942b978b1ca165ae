import type { Clock } from '../../clock.ts'
import { BrokerError, type ConsumerOptions, closed, type TopicSpec } from '../port.ts'
import { type GroupMember, MemoryGroup } from './group.ts'
import { MemoryTopics } from './topics.ts'

export interface ClusterOptions {
  readonly clock: Clock
  readonly maxRecordsPerPartition: number
  readonly maxBatchRecords: number
  /** A rebalance waits so long for a member that does not drain, then goes on without it. */
  readonly rebalanceTimeoutMs: number
}

/** Stands between the prefix and the number of a throw-away group's name. No other group name of ours has it. */
const THROW_AWAY = '#'

let clusters = 0

/** The state that the consumers, producers and admins of one broker share: its topics, its groups, whether it can be reached. */
export class MemoryCluster {
  readonly id: string
  readonly options: ClusterOptions
  readonly topics: MemoryTopics
  readonly #groups = new Map<string, MemoryGroup>()
  readonly #connectionListeners = new Set<(reachable: boolean) => void>()
  readonly #failures: Error[] = []
  #reachable = true
  #closed = false
  #broadcasts = 0

  constructor(options: ClusterOptions) {
    clusters += 1
    this.id = `memory-${clusters}`
    this.options = options
    this.topics = new MemoryTopics(options.maxRecordsPerPartition)
  }

  get isReachable(): boolean {
    return this.#reachable
  }

  /** Throws `closed` or `unreachable`. */
  assertUsable(): void {
    if (this.#closed) throw closed(`${this.id} is closed`)
    if (this.#reachable) return
    throw new BrokerError('unreachable', `${this.id} is disconnected`, { retriable: true })
  }

  close(): void {
    this.#closed = true
  }

  setReachable(reachable: boolean): void {
    if (this.#reachable === reachable) return
    this.#reachable = reachable
    for (const tell of this.#connectionListeners) tell(reachable)
  }

  /** Returns a function that removes the listener. */
  onConnection(listener: (reachable: boolean) => void): () => void {
    this.#connectionListeners.add(listener)
    return () => this.#connectionListeners.delete(listener)
  }

  failNext(count: number, error: Error): void {
    for (let i = 0; i < count; i++) this.#failures.push(error)
  }

  takeFailure(): Error | undefined {
    return this.#failures.shift()
  }

  findGroup(groupId: string): MemoryGroup | undefined {
    return this.#groups.get(groupId)
  }

  /**
   * Returns a function that leaves the group. A broadcast member is alone in a throw-away group, which holds its
   * positions under a name that nobody asks for, so nothing looks committed.
   */
  join(mode: ConsumerOptions['mode'], groupId: string, member: GroupMember): () => void {
    this.#broadcasts += mode === 'broadcast' ? 1 : 0
    const name = mode === 'broadcast' ? `${groupId}${THROW_AWAY}${this.#broadcasts}` : groupId
    const group = this.#groups.get(name) ?? new MemoryGroup(this.topics)
    this.#groups.set(name, group)
    group.join(member)
    return () => {
      group.leave(member)
      if (mode === 'broadcast') this.#groups.delete(name)
    }
  }

  /** Rebalances the group of this name and the throw-away groups with this prefix. */
  async rebalance(groupId: string): Promise<void> {
    const named = [...this.#groups].filter(([name]) => name === groupId || name.startsWith(groupId + THROW_AWAY))
    await Promise.all(named.map(([, group]) => group.rebalance()))
  }

  /** Throws `refused` if the group has members. */
  deleteGroup(groupId: string): void {
    const members = this.#groups.get(groupId)?.memberCount ?? 0
    if (members > 0) {
      throw new BrokerError('refused', `group ${groupId} has ${members} members, 0 expected`, { retriable: true })
    }
    this.#groups.delete(groupId)
  }

  /** Returns false if the topic exists. Throws `refused`. */
  createTopic(spec: TopicSpec): boolean {
    const isNew = this.topics.create(spec)
    if (isNew) for (const group of this.#groups.values()) group.found(spec.topic)
    return isNew
  }

  async growTopic(topic: string, partitions: number): Promise<void> {
    if (this.topics.grow(topic, partitions)) await this.#rebalanceReaders(topic)
  }

  async deleteTopic(topic: string): Promise<void> {
    this.topics.get(topic)
    this.topics.delete(topic)
    await this.#rebalanceReaders(topic)
    for (const group of this.#groups.values()) group.forget(topic)
  }

  async #rebalanceReaders(topic: string): Promise<void> {
    const groups = [...this.#groups.values()].filter((group) => group.reads(topic))
    await Promise.all(groups.map((group) => group.rebalance()))
  }
}
