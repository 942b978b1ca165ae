import type { Admin, OffsetRange, PartitionOffset, TopicSpec } from '../port.ts'
import { MemoryClient } from './client.ts'
import type { MemoryCluster } from './cluster.ts'

export class MemoryAdmin extends MemoryClient implements Admin {
  constructor(cluster: MemoryCluster) {
    super(cluster, 'admin')
  }

  async clusterId(): Promise<string> {
    return this.usable().id
  }

  async topics(): Promise<readonly string[]> {
    return this.usable().topics.names()
  }

  async partitions(topic: string): Promise<number | undefined> {
    return this.usable().topics.find(topic)?.partitions.length
  }

  async createTopics(specs: readonly TopicSpec[]): Promise<readonly string[]> {
    const cluster = this.usable()
    return specs.filter((spec) => cluster.createTopic(spec)).map((spec) => spec.topic)
  }

  async growTopic(topic: string, partitions: number): Promise<void> {
    await this.usable().growTopic(topic, partitions)
  }

  async deleteTopics(topics: readonly string[]): Promise<void> {
    const cluster = this.usable()
    for (const topic of topics) await cluster.deleteTopic(topic)
  }

  async topicConfig(topic: string, names: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const { config } = this.usable().topics.get(topic)
    return new Map([...config].filter(([name]) => names.includes(name)))
  }

  async offsets(topic: string): Promise<readonly OffsetRange[]> {
    const { partitions } = this.usable().topics.get(topic)
    return partitions.map(({ low, high }, partition) => ({
      partition,
      low: BigInt(low),
      stableEnd: BigInt(high),
      high: BigInt(high),
    }))
  }

  async offsetsAt(topic: string, timestampMs: number): Promise<readonly PartitionOffset[]> {
    const { partitions } = this.usable().topics.get(topic)
    return partitions.map((log, partition) => ({ partition, offset: bigintOf(log.offsetAt(timestampMs)) }))
  }

  async committed(groupId: string, topic: string): Promise<readonly PartitionOffset[]> {
    const cluster = this.usable()
    const { partitions } = cluster.topics.get(topic)
    const group = cluster.findGroup(groupId)
    return partitions.map((_, partition) => ({ partition, offset: bigintOf(group?.committed(topic, partition)) }))
  }

  async deleteGroups(groupIds: readonly string[]): Promise<void> {
    const cluster = this.usable()
    for (const groupId of groupIds) cluster.deleteGroup(groupId)
  }
}

function bigintOf(offset: number | undefined): bigint | undefined {
  return offset === undefined ? undefined : BigInt(offset)
}
