import type {
  Admin,
  Batch,
  Broker,
  BrokerEvent,
  Consumer,
  ConsumerOptions,
  OutgoingRecord,
  Producer,
  TopicPartition,
} from '../../../src/broker/port.ts'
import { uniqueName } from '../../harness/kafka.ts'
import { until } from '../../harness/until.ts'

/** What every fact of the conformance suite gets: its own broker, with a connected producer and a connected admin. */
export interface Stage {
  readonly broker: Broker
  readonly producer: Producer
  readonly admin: Admin
}

/** Functions that show facts, by the facts' titles. */
export type Facts = Readonly<Record<string, (stage: Stage) => Promise<void>>>

export async function setStage(broker: Broker): Promise<Stage> {
  const stage = { broker, producer: broker.producer(), admin: broker.admin() }
  await Promise.all([stage.producer.connect(), stage.admin.connect()])
  return stage
}

/** A new topic, under a name that nobody else uses. */
export async function newTopic({ admin }: Stage, partitions = 1, config: Record<string, string> = {}): Promise<string> {
  const topic = uniqueName('conformance')
  await admin.createTopics([{ topic, partitions, config }])
  return topic
}

export function newGroup(): string {
  return uniqueName('conformance-group')
}

export function records(partition: number, values: readonly string[]): OutgoingRecord[] {
  return values.map((value) => ({ partition, value }))
}

/** `a0`, `a1`, … */
export function numbered(prefix: string, count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, i) => `${prefix}${from + i}`)
}

/** A record as it was handed over, copied out of its batch. */
export interface Seen extends TopicPartition {
  readonly offset: bigint
  readonly timestampMs: number
  readonly key: Buffer | undefined
  readonly value: Buffer | undefined
  readonly headers: readonly (readonly [string, string])[]
}

export function seenIn(batch: Batch): Seen[] {
  return Array.from({ length: batch.count }, (_, index) => ({
    topic: batch.topic,
    partition: batch.partition,
    offset: batch.offset(index),
    timestampMs: batch.timestampMs(index),
    key: copyOf(batch.key(index)),
    value: copyOf(batch.value(index)),
    headers: batch.headers(index).map(([name, value]) => [name, value.toString()] as const),
  }))
}

function copyOf(bytes: Buffer | undefined): Buffer | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes)
}

/** A consumer that notes its records and its events. */
export interface Reader {
  readonly consumer: Consumer
  readonly groupId: string
  readonly seen: Seen[]
  readonly events: BrokerEvent[]
  /** The values in the order of arrival, '' for a tombstone. */
  values(): string[]
}

export type ReaderOptions = Partial<ConsumerOptions> & Pick<ConsumerOptions, 'topics'>

/** A reader that is not started. Its defaults: its own group, from the earliest record on, all records done. */
export function newReader({ broker }: Stage, options: ReaderOptions): Reader {
  const groupId = options.groupId ?? newGroup()
  const seen: Seen[] = []
  const events: BrokerEvent[] = []
  const consumer = broker.consumer({
    mode: 'group',
    start: { at: 'committed', otherwise: 'earliest' },
    onEvent: (event) => events.push(event),
    ...options,
    groupId,
    onBatch: async (batch, context) => {
      seen.push(...seenIn(batch))
      return (await options.onBatch?.(batch, context)) ?? batch.count
    },
  })
  return { consumer, groupId, seen, events, values: () => seen.map(({ value }) => value?.toString() ?? '') }
}

export async function startReader(stage: Stage, options: ReaderOptions): Promise<Reader> {
  const reader = newReader(stage, options)
  await reader.consumer.start()
  return reader
}

export async function untilSeen(reader: Reader, count: number): Promise<void> {
  await until(`${count} records are seen`, () => reader.seen.length >= count || undefined)
}

/** The committed offset of each partition, the next to read; undefined if there is none. */
export async function committedOffsets(
  { admin }: Stage,
  groupId: string,
  topic: string,
): Promise<(bigint | undefined)[]> {
  const committed = await admin.committed(groupId, topic)
  return committed.toSorted((a, b) => a.partition - b.partition).map(({ offset }) => offset)
}

/** Something to wait for, until it is opened. */
export interface Gate {
  readonly opened: Promise<void>
  open(): void
}

export function newGate(): Gate {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { opened: promise, open: () => resolve() }
}

/** Resolves when the signal is aborted, at once if it is already. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
