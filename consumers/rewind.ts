import { checkedAhead } from '../schemas/event-time.ts'
import { partitionName } from '../src/broker/partition-name.ts'
import type { Batch, Broker, TopicPartitionOffset } from '../src/broker/port.ts'
import type { PairTable } from '../src/cache/names/pair-table.ts'
import type { Tracker } from '../src/correlation/tracker.ts'
import type { Format } from '../src/formats/format.ts'
import type { Formats } from '../src/formats/formats.ts'
import { PriceWindow } from './price-window.ts'
import { type ClosedRange, readRanges } from './ranges.ts'

export interface RewindOptions {
  readonly broker: Broker
  readonly groupId: string
  readonly table: PairTable
  /** So much of each partition is read again, in milliseconds by the records' times. */
  readonly windowMs: number
  readonly nowMs: () => number
  /** How the records of each topic are read. */
  readonly formats?: Pick<Formats, 'of'> | undefined
}

/** So many records before its position are read of each partition: one pass is enough for most feeds. */
const TAIL = 2_048n
/** If these do not reach back far enough, so many are. */
const LONG_TAIL = 65_536n

/**
 * Reads again what came just before the partitions' positions: what follows these updates may come after the positions.
 * Resolves to a function that shows the updates to the tracker, and to nothing else; it returns their number. Rejects
 * with a BrokerError, or once the signal is aborted.
 */
export async function rewind(
  options: RewindOptions,
  positions: readonly TopicPartitionOffset[],
  signal: AbortSignal,
): Promise<(tracker: Pick<Tracker, 'observeEarlier'>) => number> {
  const { table, windowMs } = options
  const near = await readTails(options, rangesBefore(positions, 0n, TAIL), signal)
  const short = positions.filter((each) => near.get(partitionName(each))?.isWithin(windowMs))
  const far = await readTails(options, rangesBefore(short, TAIL, LONG_TAIL), signal)
  return (tracker) => {
    let updates = 0
    for (const [name, tail] of near) {
      const sinceMs = tail.lastMs - windowMs
      for (const each of [far.get(name), tail]) updates += each?.show(tracker, table, sinceMs) ?? 0
    }
    return updates
  }
}

/** The records of each partition from `most` before the position to `least` before it. */
function rangesBefore(positions: readonly TopicPartitionOffset[], least: bigint, most: bigint): ClosedRange[] {
  return positions.flatMap(({ topic, partition, offset }) => {
    const [from, to] = [offset > most ? offset - most : 0n, offset - least]
    return from < to ? [{ topic, partition, from, to }] : []
  })
}

async function readTails(
  options: RewindOptions,
  ranges: readonly ClosedRange[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Tail>> {
  const tails = new Map(
    ranges.map((range) => [partitionName(range), new Tail(options, options.formats?.of(range.topic))]),
  )
  const onBatch = async (batch: Batch) => {
    await tails.get(partitionName(batch))?.take(batch)
    return batch.count
  }
  await readRanges({ ...options, onBatch }, ranges, { signal })
  return tails
}

/** The updates of the last records of a partition. */
class Tail {
  readonly #nowMs: () => number
  readonly #window: PriceWindow
  readonly #pairIds: number[] = []
  readonly #eventTimesMs: number[] = []
  /** The time of each update's record. */
  readonly #recordTimesMs: number[] = []
  #firstMs = Number.POSITIVE_INFINITY
  /** The time of the last record. */
  lastMs = Number.NEGATIVE_INFINITY

  constructor({ table, nowMs }: RewindOptions, format: Format | undefined) {
    this.#nowMs = nowMs
    this.#window = new PriceWindow(table, format)
  }

  /** Whether all of it is of the last milliseconds, so that there may be more before it. */
  isWithin(windowMs: number): boolean {
    return this.#firstMs > this.lastMs - windowMs
  }

  async take(batch: Batch): Promise<void> {
    if (batch.count === 0) return
    this.#firstMs = Math.min(this.#firstMs, batch.timestampMs(0))
    this.lastMs = Math.max(this.lastMs, batch.timestampMs(batch.count - 1))
    for (let record = 0; record < batch.count; ) {
      const end = this.#window.decode(batch, record)
      for (; record < end; record++) this.#takeRecord(batch, record)
      const { held } = this.#window
      if (held === undefined) continue
      // No price is lost: the record was handled before, and is read only to learn from it.
      if (held.settled === undefined) record++
      await held.settled
    }
    this.#window.clear()
  }

  #takeRecord(batch: Batch, record: number): void {
    const { columns } = this.#window
    const first = this.#window.firstRow(record)
    if (first < 0) return
    const end = this.#window.endRow(record)
    for (let row = first; row < end; row++) {
      this.#pairIds.push(columns.pairIds[row] as number)
      this.#eventTimesMs.push(columns.eventTimesMs[row] as number)
      this.#recordTimesMs.push(batch.timestampMs(record))
    }
  }

  /** Returns how many updates since then it has shown. */
  show(tracker: Pick<Tracker, 'observeEarlier'>, table: Pick<PairTable, 'chainOf'>, sinceMs: number): number {
    const nowMs = this.#nowMs()
    let updates = 0
    for (const [at, pairId] of this.#pairIds.entries()) {
      const eventTimeMs = this.#eventTimesMs[at] as number
      if ((this.#recordTimesMs[at] as number) < sinceMs || checkedAhead(eventTimeMs, nowMs) !== undefined) continue
      tracker.observeEarlier(pairId, eventTimeMs, table.chainOf(pairId))
      updates++
    }
    return updates
  }
}
