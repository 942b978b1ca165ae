import { BrokerError } from '../../port.ts'
import { toBrokerError, unknownTopics } from '../errors.ts'
import type { Cluster } from '../wire/cluster.ts'
import { CODE } from '../wire/codes.ts'
import { errorOfCode } from '../wire/kafkajs.ts'
import type { TopicMetadata } from '../wire/metadata.ts'
import type { PartitionQueue } from './partition-queue.ts'

/** Finds the leaders of partitions, and refuses batches for partitions that do not exist. */
export class Leaders {
  readonly #cluster: Pick<Cluster, 'metadata'>
  /** Topics that existed once. Such a topic is waited for if it is missing later. */
  readonly #seen = new Set<string>()

  constructor(cluster: Pick<Cluster, 'metadata'>) {
    this.#cluster = cluster
  }

  /** Resolves to `not yet` if one of the partitions exists and has no leader. */
  async find(queues: readonly PartitionQueue[]): Promise<'known' | 'not yet'> {
    const queuesOf = Map.groupBy(queues, ({ topic }) => topic)
    const { topics } = await this.#cluster.metadata([...queuesOf.keys()])
    for (const topic of topics) {
      for (const queue of queuesOf.get(topic.topic) ?? []) this.#learn(queue, topic)
    }
    return queues.some((queue) => queue.leader === undefined && queue.first() !== undefined) ? 'not yet' : 'known'
  }

  #learn(queue: PartitionQueue, { topic, error, partitions }: TopicMetadata): void {
    if (error === CODE.none) {
      this.#seen.add(topic)
      const found = partitions.find(({ partition }) => partition === queue.partition)
      if (found === undefined) queue.refuse(noPartition(queue, partitions.length))
      else if (found.leader >= 0) queue.leader = found.leader
      else queue.failure = describing(topic, CODE.leaderNotAvailable)
      return
    }
    const failure = error === CODE.unknownTopicOrPartition ? unknownTopics([topic]) : describing(topic, error)
    if (!failure.retriable || (failure.code === 'unknown-topic' && !this.#seen.has(topic))) queue.refuse(failure)
    else queue.failure = failure
  }
}

function describing(topic: string, code: number): BrokerError {
  return toBrokerError(errorOfCode(code), `describing topic ${topic}`)
}

function noPartition({ topic, partition }: PartitionQueue, count: number): BrokerError {
  const message = `partition ${partition} of ${topic}, 0 to ${count - 1} expected`
  return new BrokerError('refused', message, { retriable: false })
}
