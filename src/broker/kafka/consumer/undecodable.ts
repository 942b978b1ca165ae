import type { Cluster } from 'kafkajs'
import { type UndecodableBatch, whileFetching } from '../compression.ts'
import type { Cursor } from './cursors.ts'

/** One byte: the broker answers with the first batch from the position on, whole, and with nothing more. */
const FIRST_BATCH_BYTES = 1
const READ_COMMITTED = 1

/**
 * The batch at the cursor's position if no codec reads it; undefined if one does. A codec does not know the partition
 * whose bytes it is given, so each one that may be stuck is fetched alone.
 */
export async function undecodableAt(cluster: Cluster, cursor: Cursor): Promise<UndecodableBatch | undefined> {
  const { topic, partition, position } = cursor
  const [nodeId] = Object.keys(cluster.findLeaderForPartitions(topic, [partition]))
  if (nodeId === undefined) return undefined
  const node = await cluster.findBroker({ nodeId })
  const at = { partition, fetchOffset: String(position), maxBytes: FIRST_BATCH_BYTES }
  let met: UndecodableBatch | undefined
  await whileFetching(
    (batch) => {
      met ??= batch
    },
    () =>
      node.fetch({
        isolationLevel: READ_COMMITTED,
        maxWaitTime: 0,
        minBytes: FIRST_BATCH_BYTES,
        maxBytes: FIRST_BATCH_BYTES,
        topics: [{ topic, partitions: [at] }],
      }),
  )
  return met
}
