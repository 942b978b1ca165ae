import type { TopicPartition } from '../../port.ts'
import type { Cluster } from '../wire/cluster.ts'
import { assertNoError } from '../wire/connection.ts'
import { findCoordinatorRequest } from '../wire/group.ts'
import { type FetchedOffset, offsetFetchRequest } from '../wire/group-offsets.ts'

/** The broker that keeps the group. */
export async function coordinatorOf(cluster: Cluster, groupId: string): Promise<number> {
  const anyone = await cluster.anyone()
  const { error, node } = await anyone.send(findCoordinatorRequest(groupId))
  assertNoError(error)
  // Its address comes with the metadata.
  await cluster.metadata([])
  return node
}

/** What the group has committed, asked by somebody who is no member. */
export async function committedOf(
  cluster: Cluster,
  groupId: string,
  partitions: readonly TopicPartition[],
): Promise<readonly FetchedOffset[]> {
  const node = await coordinatorOf(cluster, groupId)
  const { error, partitions: answers } = await cluster.send(node, 'ask', () => offsetFetchRequest(groupId, partitions))
  assertNoError(error)
  for (const answer of answers) assertNoError(answer.error)
  return answers
}
