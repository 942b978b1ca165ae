import { setTimeout as delay } from 'node:timers/promises'
import { checkedAhead } from '../schemas/event-time.ts'
import { partitionName } from '../src/broker/partition-name.ts'
import type { Batch, Broker, PartitionRange, TopicPartition, TopicPartitionOffset } from '../src/broker/port.ts'
import { withAdmin } from '../src/broker/with-admin.ts'
import type { PairTable } from '../src/cache/names/pair-table.ts'
import type { Tracker } from '../src/correlation/tracker.ts'
import { PriceWindow } from './price-window.ts'

export interface RewindOptions {
  readonly broker: Broker
  readonly groupId: string
  readonly table: PairTable
  readonly tracker: Pick<Tracker, 'observeEarlier'>
  /** So much of each partition is read again, in milliseconds by the records' times. */
  readonly windowMs: number
  readonly nowMs: () => number
}

const LOOK_EVERY_MS = 5
/** At most so many records of a partition are read again. */
const MAX_RECORDS = 65_536n
/** Partitions whose last records are of one second are looked up together; so many such seconds of a topic are. */
const SECOND_MS = 1_000
const MAX_SECONDS = 32

/**
 * Reads again what came just before the partitions' positions, for the tracker alone: what follows these updates may come
 * after the positions. Resolves to the number of updates. Rejects with a BrokerError, or once the signal is aborted.
 */
export async function rewind(
  options: RewindOptions,
  positions: readonly TopicPartitionOffset[],
  signal: AbortSignal,
): Promise<number> {
  const { broker, groupId, windowMs } = options
  const lasts = new Map<string, number>()
  const before = positions.filter(({ offset }) => offset > 0n)
  const lastRanges = before.map(({ topic, partition, offset }) => ({ topic, partition, from: offset - 1n, to: offset }))
  await readRanges({ broker, groupId, signal, ranges: lastRanges }, (batch) => {
    if (batch.count > 0) lasts.set(partitionName(batch), batch.timestampMs(batch.count - 1))
  })
  const starts = await startsOf(broker, before, (partition) => {
    const lastMs = lasts.get(partitionName(partition))
    return lastMs === undefined ? undefined : lastMs - windowMs
  })
  const ranges = before.flatMap(({ topic, partition, offset: to }): PartitionRange[] => {
    const start = starts.get(partitionName({ topic, partition }))
    if (start === undefined || start >= to) return []
    return [{ topic, partition, from: start < to - MAX_RECORDS ? to - MAX_RECORDS : start, to }]
  })
  const observer = new EarlierUpdates(options)
  await readRanges({ broker, groupId, signal, ranges }, (batch) => observer.take(batch))
  return observer.updates
}

/** For each partition, the first offset at or after the time that is wanted for it. */
function startsOf(
  broker: Broker,
  partitions: readonly TopicPartition[],
  wantedMs: (partition: TopicPartition) => number | undefined,
): Promise<ReadonlyMap<string, bigint>> {
  return withAdmin(broker, async (admin) => {
    const starts = new Map<string, bigint>()
    for (const topic of new Set(partitions.map((each) => each.topic))) {
      const bySecond = Map.groupBy(
        partitions.filter((each) => each.topic === topic),
        (each) => Math.floor((wantedMs(each) ?? Number.NaN) / SECOND_MS) * SECOND_MS,
      )
      const seconds = [...bySecond.keys()].filter((atMs) => atMs >= 0).sort((a, b) => b - a)
      for (const atMs of seconds.slice(0, MAX_SECONDS)) {
        const offsets = new Map((await admin.offsetsAt(topic, atMs)).map((each) => [each.partition, each.offset]))
        for (const each of bySecond.get(atMs) ?? []) {
          const offset = offsets.get(each.partition)
          if (offset !== undefined) starts.set(partitionName(each), offset)
        }
      }
    }
    return starts
  })
}

interface Ranges {
  readonly broker: Broker
  readonly groupId: string
  readonly ranges: readonly PartitionRange[]
  readonly signal: AbortSignal
}

/** Reads the ranges to their ends with a consumer of its own. */
async function readRanges({ broker, groupId, ranges, signal }: Ranges, onBatch: (batch: Batch) => void): Promise<void> {
  if (ranges.length === 0) return
  const ends = new Map(ranges.map((range) => [partitionName(range), range.to ?? 0n]))
  const consumer = broker.consumer({
    ...{ mode: 'manual', groupId, topics: [], ranges, start: { at: 'earliest' }, reusesMemory: true },
    onBatch: async (batch) => {
      onBatch(batch)
      return batch.count
    },
  })
  try {
    await consumer.start()
    // A position also passes what holds no record: the marker of a transaction, or a record that was compacted.
    while (!consumer.positions().every((each) => each.position >= (ends.get(partitionName(each)) ?? 0n)))
      await delay(LOOK_EVERY_MS, undefined, { signal })
  } finally {
    await consumer.stop()
  }
}

/** Shows the tracker the updates of batches, and nothing else. */
class EarlierUpdates {
  readonly #options: RewindOptions
  readonly #window: PriceWindow
  updates = 0

  constructor(options: RewindOptions) {
    this.#options = options
    this.#window = new PriceWindow(options.table)
  }

  take(batch: Batch): void {
    const { table, tracker, nowMs } = this.#options
    const { columns } = this.#window
    for (let record = 0; record < batch.count; ) {
      record = this.#window.decode(batch, record)
      const now = nowMs()
      for (let row = 0; row < columns.count; row++) {
        const [pairId, eventTimeMs] = [columns.pairIds[row] as number, columns.eventTimesMs[row] as number]
        if (checkedAhead(eventTimeMs, now) !== undefined) continue
        tracker.observeEarlier(pairId, eventTimeMs, table.chainOf(pairId))
        this.updates++
      }
    }
    this.#window.clear()
  }
}
