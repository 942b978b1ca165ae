import { partitionOf } from '../schemas/topics.ts'
import { parseWarmRequest, serviceOf } from '../schemas/warm-request.ts'
import { parseWarmResult } from '../schemas/warm-result.ts'
import type { Admin, Batch, Broker, PartitionOffset } from '../src/broker/port.ts'
import { withAdmin } from '../src/broker/with-admin.ts'
import { requestFacts, SILENCE_MS, startOf } from '../src/tasks/task.ts'
import { addResult, type TaskEntry } from '../src/tasks/task-table.ts'
import { type ClosedRange, readRanges } from './ranges.ts'

export interface TaskRecordsOptions {
  readonly broker: Broker
  readonly service: string
  readonly groupId: string
  readonly topics: { readonly warmRequests: string; readonly warmResults: string }
  /** The longest time that a task takes. */
  readonly maxMs: number
}

/** Clocks of nodes differ, and a request may wait so long for its broker. */
const BEFORE_MS = 5_000
/** A run of a schedule may be made up later than its time. */
const AFTER_MS = 120_000

/**
 * Reads what a task has in Kafka when somebody asks for it: its requests, around the time that its id names, and its
 * results from then on, in their partitions alone. Nodes publish a result for each request that a node makes by itself,
 * so nobody reads all of them.
 */
export class TaskRecords {
  readonly #options: TaskRecordsOptions

  constructor(options: TaskRecordsOptions) {
    this.#options = options
  }

  /** Adds to the entry what has come since the last call. Rejects with a BrokerError, or once the signal is aborted. */
  async read(entry: TaskEntry, signal: AbortSignal): Promise<void> {
    await withAdmin(this.#options.broker, async (admin) => {
      if (entry.requests.length < entry.id.requestIds.length) await this.#readRequests(admin, entry, signal)
      await this.#readResults(admin, entry, signal)
    })
  }

  async #readRequests(admin: Admin, entry: TaskEntry, signal: AbortSignal): Promise<void> {
    const { madeAtMs, requestIds } = entry.id
    const topic = this.#options.topics.warmRequests
    const isWanted = () => entry.requests.length < requestIds.length
    const starts = await admin.offsetsAt(topic, madeAtMs - BEFORE_MS)
    const ends = new Map(byPartition(await admin.offsetsAt(topic, madeAtMs + AFTER_MS)))
    const stable = await admin.offsets(topic)
    const ranges = stable.flatMap(({ partition, stableEnd }) => {
      const to = ends.get(partition) ?? stableEnd
      return rangeOf({ topic, partition }, starts, to)
    })
    const onBatch = async (batch: Batch) => {
      for (let index = 0; index < batch.count && isWanted(); index++) this.#takeRequest(entry, batch.value(index))
      return batch.count
    }
    await readRanges({ ...this.#options, onBatch }, ranges, { signal, isWanted })
  }

  /** Requests of others are skipped without parsing them. */
  #takeRequest({ id, requests }: TaskEntry, value: Buffer | undefined): void {
    if (value?.includes(id.taskId) !== true) return
    const parsed = parseWarmRequest(value)
    if (!parsed.ok || serviceOf(parsed.value) !== this.#options.service) return
    const { requestId } = parsed.value
    const isNew = !requests.some((known) => known.requestId === requestId)
    if (isNew && id.requestIds.includes(requestId)) requests.push(requestFacts(parsed.value))
  }

  async #readResults(admin: Admin, entry: TaskEntry, signal: AbortSignal): Promise<void> {
    const { id, positions } = entry
    const topic = this.#options.topics.warmResults
    const starts = await admin.offsetsAt(topic, id.madeAtMs - BEFORE_MS)
    const stable = await admin.offsets(topic)
    const wanted = new Set(id.requestIds.map((requestId) => partitionOf(requestId, stable.length)))
    const ranges = stable.flatMap(({ partition, stableEnd }) => {
      if (!wanted.has(partition)) return []
      const position = positions.get(partition)
      const from = position === undefined ? starts : [{ partition, offset: position }]
      return rangeOf({ topic, partition }, from, stableEnd)
    })
    const reading = new Set(ranges.map(({ partition }) => partition))
    const onBatch = async (batch: Batch) => {
      if (this.#takeResults(entry, batch)) reading.delete(batch.partition)
      return batch.count
    }
    await readRanges({ ...this.#options, onBatch }, ranges, { signal, isWanted: () => reading.size > 0 })
  }

  /** True once the time of the task is over: what follows is not read. */
  #takeResults(entry: TaskEntry, batch: Batch): boolean {
    const { id, positions } = entry
    for (let index = 0; index < batch.count; index++) {
      const atMs = batch.timestampMs(index)
      if (atMs > this.#endOf(entry)) return true
      positions.set(batch.partition, batch.offset(index) + 1n)
      const requestId = batch.key(index)?.toString() ?? ''
      const value = batch.value(index)
      if (value === undefined || !id.requestIds.includes(requestId)) continue
      const parsed = parseWarmResult(value)
      if (parsed.ok && serviceOf(parsed.value) === this.#options.service) addResult(entry, parsed.value, atMs)
    }
    return false
  }

  /** A request that nobody knows any more may have been held for as long as a task may take. */
  #endOf(entry: TaskEntry): number {
    const { maxMs } = this.#options
    const startMs = startOf(entry)
    if (entry.requests.length === 0 && entry.results.length === 0) return startMs + maxMs + SILENCE_MS
    return Math.min(
      startMs + maxMs,
      entry.results.reduce((last, { atMs }) => Math.max(last, atMs), startMs) + SILENCE_MS,
    )
  }
}

function byPartition(offsets: readonly PartitionOffset[]): [partition: number, offset: bigint | undefined][] {
  return offsets.map(({ partition, offset }) => [partition, offset])
}

/** Empty where all records are older than the start. */
function rangeOf(
  at: { readonly topic: string; readonly partition: number },
  starts: readonly PartitionOffset[],
  to: bigint,
): readonly ClosedRange[] {
  const from = starts.find(({ partition }) => partition === at.partition)?.offset
  return from === undefined || from >= to ? [] : [{ ...at, from, to }]
}
