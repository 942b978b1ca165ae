import type { TopicPartition } from './port.ts'

/** The key of a partition where several topics are kept in one map. */
export function partitionName({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}
