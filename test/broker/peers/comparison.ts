import { expect } from '@jest/globals'
import { partitionName } from '../../../src/broker/partition-name.ts'
import type { Batch, Broker, BrokerEvent, Consumer } from '../../../src/broker/port.ts'
import { uniqueName } from '../../harness/kafka.ts'
import type { ReadPartitions, ReadStart } from '../../harness/peers/java-peer.ts'
import { until } from '../../harness/until.ts'

/** A consumer of ours that writes down its records like the Java peer. */
export interface OurReading {
  readonly consumer: Consumer
  /** The names are `topic/partition`. */
  readonly lines: ReadonlyMap<string, readonly string[]>
  readonly events: readonly BrokerEvent[]
}

export async function startReading(broker: Broker, starts: readonly ReadStart[]): Promise<OurReading> {
  const lines = new Map(starts.map((start) => [partitionName(start), [] as string[]]))
  const events: BrokerEvent[] = []
  const consumer = broker.consumer({
    mode: 'manual',
    groupId: uniqueName('peers'),
    topics: [],
    start: { at: 'earliest' },
    ranges: starts,
    onBatch: async (batch) => {
      for (let index = 0; index < batch.count; index++) lines.get(partitionName(batch))?.push(lineOf(batch, index))
      return batch.count
    },
    onEvent: (event) => events.push(event),
  })
  await consumer.start()
  return { consumer, lines, events }
}

/** Waits until our positions equal theirs, and expects the same records in the same order. */
export async function expectEqual(ours: OurReading, theirs: ReadPartitions): Promise<void> {
  await untilAtEnd(ours, theirs)
  expect(differencesOf(ours, theirs)).toEqual([])
}

/** Resolves when our position equals theirs in every partition. */
export async function untilAtEnd({ consumer }: OurReading, theirs: ReadPartitions): Promise<void> {
  await until('our reader stands where the other one does', () => {
    const positions = new Map(consumer.positions().map((each) => [partitionName(each), each.position]))
    const apart = Object.entries(theirs).filter(([name, { position }]) => `${positions.get(name)}` !== position)
    if (apart.length === 0) return true
    const found = apart.map(([name, { position }]) => `${name} stands at ${positions.get(name)}, not at ${position}`)
    throw new Error(`${apart.length} partitions: ${found.slice(0, 5).join(', ')}`)
  })
}

/** For each partition the first record that differs, stable ends that differ, and what our consumer skipped. */
export function differencesOf({ consumer, lines, events }: OurReading, theirs: ReadPartitions): string[] {
  const ends = new Map(consumer.positions().map((each) => [partitionName(each), each.stableEnd]))
  const passedOver = events.filter(({ type }) => type === 'undecodable' || type === 'offset-jump')
  const found = passedOver.map((event) => JSON.stringify(event, withOffsets))
  for (const [name, { stableEnd, records }] of Object.entries(theirs)) {
    const ours = lines.get(name) ?? []
    if (`${ends.get(name)}` !== stableEnd) found.push(`${name}: our stable end ${ends.get(name)}, theirs ${stableEnd}`)
    const at = ours.findIndex((line, at) => line !== records[at])
    const first = at < 0 && ours.length < records.length ? ours.length : at
    if (first >= 0) found.push(`${name}, record ${first}: ours ${shown(ours[first])}, theirs ${shown(records[first])}`)
  }
  return found
}

function withOffsets(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}` : value
}

function shown(line: string | undefined): string {
  return line === undefined ? 'nothing' : line.slice(0, 200)
}

/** The format of JavaPeer.java: offset, timestamp, key, value, headers. */
export function lineOf(batch: Batch, index: number): string {
  const headers = batch.headers(index).map(([name, value]) => ` ${text(Buffer.from(name))}:${text(value)}`)
  const record = [batch.offset(index), batch.timestampMs(index), text(batch.key(index)), text(batch.value(index))]
  return record.join(' ') + headers.join('')
}

function text(bytes: Buffer | undefined): string {
  return bytes === undefined ? '-' : bytes.toString('base64')
}
