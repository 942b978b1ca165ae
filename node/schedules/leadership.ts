import type { Broker, BrokerEvent, Consumer } from '../../src/broker/port.ts'

export interface LeadershipOptions {
  readonly broker: Broker
  /** The control topic: all nodes may read it, and nothing is read from it here. */
  readonly topic: string
  readonly service: string
  readonly onElected: () => void
  /** Awaited before another node is elected. `isLost`: another may have been elected already. */
  readonly onDeposed: (isLost: boolean) => Promise<void>
  readonly onEvent: (event: BrokerEvent) => void
}

/** Its owner leads. Each service has a group of its own, so that all of them can take the same one. */
const PARTITION = 0

/**
 * Elects one of the nodes of a service: the member of a consumer group that Kafka's own assignment gives a certain
 * partition. A leader that ends is followed at once, one that dies after the time of a session.
 */
export class Leadership {
  readonly #consumer: Consumer
  #isElected = false

  constructor(options: LeadershipOptions) {
    const { broker, topic, service, onElected, onDeposed, onEvent } = options
    this.#consumer = broker.consumer({
      ...{ mode: 'group', groupId: scheduleGroup(service), topics: [topic], isDynamic: true, onEvent },
      start: { at: 'latest' },
      onBatch: async ({ count }) => count,
      onAssigned: (partitions) => {
        // Membership is all that is wanted of them: they are not fetched.
        this.#consumer.pause(partitions)
        if (this.#isElected || !partitions.some(({ partition }) => partition === PARTITION)) return
        this.#isElected = true
        onElected()
      },
      onRevoked: async (partitions, _, isLost = false) => {
        if (!this.#isElected || !partitions.some(({ partition }) => partition === PARTITION)) return
        this.#isElected = false
        await onDeposed(isLost || !this.#consumer.health().isHeard)
      },
    })
  }

  /** False also while Kafka has been silent for the time of a session: another may have been elected, as while this process was stopped. */
  get isLeading(): boolean {
    return this.#isElected && this.#consumer.health().isHeard
  }

  /** Resolves when the group is joined. Rejects with a BrokerError, after which it may be called again. */
  start(): Promise<void> {
    return this.#consumer.start()
  }

  /** Leaves the group, so that another node is elected. May be called twice. */
  stop(): Promise<void> {
    return this.#consumer.stop()
  }
}

export function scheduleGroup(service: string): string {
  return `forewarm.${service}.schedules`
}
