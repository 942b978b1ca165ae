import type { TopicPartition } from './port.ts'

/** Names a partition among those of several topics. */
export function partitionName({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}
