import type { TopicPartition } from './port.ts'

/** The key of a partition in a map over several topics. */
export function partitionName({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}
