import type { TopicPartition } from '../../port.ts'

/** As requests list partitions: those of one topic together, in the order in which they first come. */
export function byTopic<P extends TopicPartition>(
  partitions: Iterable<P>,
): { readonly topic: string; readonly of: P[] }[] {
  const lists = new Map<string, P[]>()
  for (const partition of partitions) {
    const list = lists.get(partition.topic)
    if (list === undefined) lists.set(partition.topic, [partition])
    else list.push(partition)
  }
  return [...lists].map(([topic, of]) => ({ topic, of }))
}
