import { Alarm } from '../../alarm.ts'
import type { Consumer, TopicPartition } from '../../broker/port.ts'
import { sharedMs } from '../../monotonic.ts'
import type { Timer } from '../../timer.ts'
import type { Sources } from '../sources/sources.ts'
import type { Arrivals } from './arrivals.ts'

export interface FollowingOptions {
  readonly sources: Sources
  readonly arrivals: Pick<Arrivals, 'assign' | 'revoke'>
  /** How many partitions each topic has. */
  readonly counts: ReadonlyMap<string, number>
  readonly timer?: Timer
}

/** The time between two looks at how far the partitions are read. */
const EVERY_MS = 5

/** Tells the sources which partitions the node has, and up to which moment it has read each. */
export class Following {
  readonly #options: FollowingOptions
  readonly #next: Alarm
  #consumer: Pick<Consumer, 'positions'> | undefined

  constructor(options: FollowingOptions) {
    this.#options = options
    this.#next = new Alarm(() => this.#look(), options.timer)
    for (const [topic, partitions] of options.counts) this.grow(topic, partitions)
  }

  /** The topic has so many partitions. */
  grow(topic: string, partitions: number): void {
    this.#options.sources.grow(topic, partitions)
  }

  assigned(consumer: Pick<Consumer, 'positions'>, partitions: readonly TopicPartition[]): void {
    this.#consumer = consumer
    this.#options.arrivals.assign(this.#idsOf(partitions))
    if (!this.#next.isSet) this.#next.set(EVERY_MS)
  }

  revoked(partitions: readonly TopicPartition[]): void {
    this.#options.arrivals.revoke(this.#idsOf(partitions))
  }

  close(): void {
    this.#next.close()
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
