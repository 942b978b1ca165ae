import { setTimeout as delay } from 'node:timers/promises'
import { FAREWELL_MS, settlesWithin } from '../src/broker/deadline.ts'
import { partitionName } from '../src/broker/partition-name.ts'
import type { BatchHandler, Broker, PartitionRange } from '../src/broker/port.ts'
import { aborted } from '../src/timer.ts'

export interface RangesOptions {
  readonly broker: Broker
  /** The name under which events speak of the reader. */
  readonly groupId: string
  /** Its memory is used again once it has settled. */
  readonly onBatch: BatchHandler
}

/** A range of offsets that has an end. */
export type ClosedRange = PartitionRange & Required<Pick<PartitionRange, 'to'>>

const LOOK_EVERY_MS = 5

/**
 * Reads the ranges to their ends with a consumer of its own, or for as long as `isWanted` returns true. Rejects with a
 * BrokerError, or once the signal is aborted.
 */
export async function readRanges(
  { broker, groupId, onBatch }: RangesOptions,
  ranges: readonly ClosedRange[],
  { signal, isWanted = () => true }: { readonly signal: AbortSignal; readonly isWanted?: () => boolean },
): Promise<void> {
  if (ranges.length === 0) return
  const ends = new Map(ranges.map((range) => [partitionName(range), range.to]))
  const consumer = broker.consumer({
    ...{ mode: 'manual', groupId, topics: [], ranges, start: { at: 'earliest' }, reusesMemory: true, onBatch },
  })
  // A position also passes what holds no record: the marker of a transaction, or a record that was compacted.
  const isRead = () => consumer.positions().every((each) => each.position >= (ends.get(partitionName(each)) ?? 0n))
  try {
    // A broker that is away may hold a start up for long.
    await Promise.race([consumer.start(), aborted(signal)])
    while (isWanted() && !isRead()) await delay(LOOK_EVERY_MS, undefined, { signal })
  } finally {
    await settlesWithin(consumer.stop(), FAREWELL_MS)
  }
}
