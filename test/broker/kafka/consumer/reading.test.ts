import { expect, test } from '@jest/globals'
import { Reading, type ReadingOptions } from '../../../../src/broker/kafka/consumer/reading.ts'
import type { Cluster } from '../../../../src/broker/kafka/wire/cluster.ts'
import type { WireConnection } from '../../../../src/broker/kafka/wire/connection.ts'
import type { BrokerEvent } from '../../../../src/broker/port.ts'
import { until } from '../../../harness/until.ts'

const OUT_OF_RANGE = 1
const ID = '1'.repeat(32)

/** Resolves to the offset of the second fetch, and the events until then; the first fetch is out of range. */
async function fetchedAfter(end: bigint, topicId = ID): Promise<{ to: bigint | undefined; events: BrokerEvent[] }> {
  const events: BrokerEvent[] = []
  let fetches = 0
  const answer = { topic: topicId, partition: 0, error: OUT_OF_RANGE, leader: undefined }
  const connection = {
    versions: { 1: { minVersion: 4, maxVersion: 13 } },
    send: async () => {
      fetches += 1
      if (fetches > 1) await new Promise(() => undefined)
      return { error: 0, partitions: [answer] }
    },
  } as unknown as WireConnection
  let looks = 0
  const offsets = [2n, end]
  const cluster = {
    connection: async () => connection,
    send: async () => [{ topic: 'prices', partition: 0, error: 0, offset: offsets[looks++] }],
  } as unknown as Cluster
  const nothing = () => undefined
  const reading = new Reading({
    ...{
      cluster,
      options: { onBatch: async () => 0 },
      timing: { maxWaitMs: 10, maxBytes: 9, maxBytesPerPartition: 9 },
    },
    ...{ onMoved: nothing, onFetchFailed: nothing, onAnswered: nothing, onAccess: nothing, isExplained: () => true },
    ...{ emit: (event: BrokerEvent) => events.push(event), mayHandle: () => true },
  } as unknown as ReadingOptions)
  const place = { position: 5n, stableEnd: 5n, jumpedFrom: undefined, committed: undefined, leader: 1 }
  const [partition] = reading.take([{ ...place, topic: 'prices', partition: 0, topicId }])
  reading.open(partition === undefined ? [] : [partition])
  await until('it is fetched again', () => fetches === 2, { timeoutMs: 4_000 })
  reading.stop()
  return { to: partition?.fetchOffset, events }
}

test('an offset that is out of range and in range a moment later is read on without a jump', async () => {
  expect(await fetchedAfter(9n)).toEqual({ to: 5n, events: [] })
})

test('an offset behind the end of a log that was cut moves to the end', async () => {
  const jump = { type: 'offset-jump', topic: 'prices', partition: 0, from: 5n, to: 4n }
  expect(await fetchedAfter(4n)).toEqual({ to: 4n, events: [jump] })
})
