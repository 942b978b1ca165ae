import { Alarm } from '../../alarm.ts'
import type { AssignedPartition, BrokerEvent, Consumer, TopicPartition } from '../../broker/port.ts'
import { sharedMs } from '../../monotonic.ts'
import { inTime, type Timer } from '../../timer.ts'
import type { Deletions } from '../l2/deletions.ts'
import type { WriteBehind } from '../l2/write-behind.ts'
import type { Sources } from '../sources/sources.ts'
import { longestTtlMs } from '../ttl.ts'
import type { Arrivals } from './arrivals.ts'

export interface FollowingOptions {
  readonly sources: Sources
  readonly arrivals: Pick<Arrivals, 'assign' | 'revoke' | 'mayComeFrom'>
  /** How many partitions each topic has. */
  readonly counts: ReadonlyMap<string, number>
  readonly writeBehind: Pick<WriteBehind, 'settled' | 'lacks' | 'flush'>
  readonly deletions: Pick<Deletions, 'settled'>
  /** For so long L2 keeps values that were written before a partition was taken. */
  readonly l2TtlMs: number
  /** Called with the partitions of which L2 may lack values that others have handled. */
  readonly onUnkept?: (partitions: readonly TopicPartition[]) => void
  readonly timer?: Timer
}

type TopicEvent = Pick<Extract<BrokerEvent, { type: 'topic' }>, 'topic' | 'change' | 'partitions'>

/** The time between two looks at how far the partitions are read. */
const EVERY_MS = 5
/** The commit that asks what is kept waits for a second. After half of it, L2 gets at once what a slow or distant flush would bring. */
const HURRY_AFTER_MS = 500
/** The longest delay of a timer. */
const LONGEST_MS = 2 ** 31 - 1

/** Tells the sources which partitions the node has, and up to which moment it has read each. */
export class Following {
  readonly #options: FollowingOptions
  readonly #next: Alarm
  /** Rings when L2 has no value any more that was written before such partitions were taken. */
  readonly #healed: Alarm
  #consumer: Pick<Consumer, 'positions'> | undefined

  constructor(options: FollowingOptions) {
    this.#options = options
    this.#next = new Alarm(() => this.#look(), options.timer)
    this.#healed = new Alarm(() => options.sources.unkept.clear(), options.timer)
    for (const [topic, partitions] of options.counts) options.sources.grow(topic, partitions)
  }

  /** The broker tells that a topic has changed. */
  heard({ topic, change, partitions }: TopicEvent): void {
    const { sources } = this.#options
    if (change === 'dropped') sources.remake(topic, 0)
    else if (change === 'made-again') sources.remake(topic, partitions)
    else sources.grow(topic, partitions)
  }

  assigned(consumer: Pick<Consumer, 'positions'>, partitions: readonly AssignedPartition[]): void {
    const { sources, l2TtlMs, onUnkept } = this.#options
    this.#consumer = consumer
    const unkept = partitions.filter(({ isKept = true }) => !isKept)
    for (const id of this.#idsOf(unkept)) sources.unkept.add(id)
    if (unkept.length > 0) {
      this.#healed.set(Math.min(longestTtlMs(l2TtlMs), LONGEST_MS))
      onUnkept?.(unkept)
    }
    this.#options.arrivals.assign(this.#idsOf(partitions))
    if (!this.#next.isSet) this.#next.set(EVERY_MS)
  }

  /** Tells of which pairs updates may come from these partitions, which the node is about to lose. */
  leaves(partitions: readonly TopicPartition[]): (pairId: number) => boolean {
    const ids = new Set(this.#idsOf(partitions))
    return (pairId) => this.#options.arrivals.mayComeFrom(ids, pairId)
  }

  revoked(partitions: readonly TopicPartition[]): void {
    const ids = this.#idsOf(partitions)
    this.#options.arrivals.revoke(ids)
    for (const id of ids) this.#options.sources.unkept.delete(id)
  }

  /** Resolves when L2 has what was handled before the call, or does not take it, to what tells of which partitions it has all. */
  async kept(): Promise<(partition: TopicPartition) => boolean> {
    const { sources, writeBehind, deletions, timer } = this.#options
    const settling = Promise.all([writeBehind.settled(), deletions.settled()])
    if ((await inTime(settling, undefined, { delayMs: HURRY_AFTER_MS, timer })) === undefined) void writeBehind.flush()
    const settled = await settling
    return ({ topic, partition }) => {
      const id = sources.idOf(topic, partition)
      return !settled.includes(false) && !writeBehind.lacks(id) && !sources.unkept.has(id)
    }
  }

  close(): void {
    this.#next.close()
    this.#healed.close()
  }

  #idsOf(partitions: readonly TopicPartition[]): number[] {
    return partitions.map(({ topic, partition }) => this.#options.sources.idOf(topic, partition))
  }

  #look(): void {
    const { sources } = this.#options
    sources.together(() => {
      for (const { topic, partition, readToEndAtMs } of this.#consumer?.positions() ?? []) {
        const id = sources.idOf(topic, partition)
        if (readToEndAtMs !== undefined && sources.isFollowed(id)) sources.raise(id, sharedMs(readToEndAtMs))
      }
    })
    this.#next.set(EVERY_MS)
  }
}
