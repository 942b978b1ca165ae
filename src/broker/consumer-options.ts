import { partitionName } from './partition-name.ts'
import { BrokerError, type ConsumerOptions, type PartitionRange } from './port.ts'

/** The last moment that a date can be. */
const LATEST_MS = 8.64e15

/** Throws a BrokerError `refused` for a start or a range that cannot be meant. */
export function assertReadable({ start, ranges = [] }: ConsumerOptions): void {
  if (start.at === 'timestamp' && !(Math.abs(start.timestampMs) <= LATEST_MS))
    throw refused(`start.timestampMs: got ${start.timestampMs}; allowed: milliseconds since 1970`)
  const seen = new Set<string>()
  for (const range of ranges) {
    const name = partitionName(range)
    if (range.to !== undefined && range.from > range.to)
      throw refused(`range of ${name}: got from ${range.from} to ${range.to}; allowed: from at most to`)
    if (range.from < 0n) throw refused(`range of ${name}: got from ${range.from}; allowed: offsets from 0`)
    if (seen.has(name)) throw refused(`range of ${name}: got two; allowed: one for each partition`)
    seen.add(name)
  }
}

/** Throws a BrokerError `refused` for a range of a partition that the topic does not have. */
export function assertWithin({ topic, partition }: PartitionRange, partitions: number): void {
  if (Number.isInteger(partition) && partition >= 0 && partition < partitions) return
  throw refused(`range of ${topic}/${partition}: the topic has ${partitions} partitions, 0 to ${partitions - 1}`)
}

function refused(message: string): BrokerError {
  return new BrokerError('refused', message, { retriable: false })
}
