import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { createKafkaBroker } from '../../../../src/broker/kafka/broker.ts'
import { RequestWriter } from '../../../../src/broker/kafka/wire/writer.ts'
import type { Broker, Consumer, ConsumerOptions } from '../../../../src/broker/port.ts'
import { until } from '../../../harness/until.ts'
import { askedOffsets } from '../wire/asked-offsets.ts'
import { encodeAnswer } from '../wire/fetch-answers.ts'
import { METADATA_VERSION, metadataAnswer } from '../wire/metadata-answer.ts'
import { type Arrived, ScriptedBroker } from '../wire/scripted-broker.ts'

const [FETCH, LIST_OFFSETS, METADATA] = [1, 2, 3]
const FETCH_VERSION = 12
const NOT_LEADER = 6
/** Longer than a test: whatever is looked at again was asked for. */
const AGE_MS = 600_000

let scripted: ScriptedBroker
let broker: Broker
/** The leaders of the partitions, as the next looks see them; the last one stays. */
let leaders: (readonly number[])[]
/** The errors that fetches are answered with; no answer behind the last one. */
let fetchErrors: number[]

beforeEach(async () => {
  ;[leaders, fetchErrors] = [[[1, 1]], []]
  scripted = new ScriptedBroker()
  scripted.versions = { [FETCH]: [4, FETCH_VERSION], [METADATA]: [METADATA_VERSION, METADATA_VERSION] }
  const port = await scripted.listen()
  scripted.answer = (request) => answerOf(request, port)
  broker = createKafkaBroker({ brokers: [`127.0.0.1:${port}`], clientId: 'test', metadataAgeMs: AGE_MS })
})

afterEach(async () => {
  await broker.close()
  await scripted.close()
})

function answerOf({ apiKey, body }: Arrived, port: number): Buffer | undefined {
  if (apiKey === METADATA) {
    const [led] = leaders.length > 1 ? leaders.splice(0, 1) : leaders
    return metadataAnswer(port, [
      { topic: 'prices', partitions: (led ?? []).map((leader, partition) => ({ partition, leader })) },
    ])
  }
  if (apiKey === LIST_OFFSETS) return offsetsAnswer(askedOffsets(body).map(({ partition }) => partition))
  const error = fetchErrors.shift()
  if (error === undefined) return undefined
  const partition = { topic: 'prices', partition: 0, error, highWatermark: 5n, stableEnd: 5n, aborted: [] }
  const partitions = [{ ...partition, leader: undefined, records: Buffer.alloc(0) }]
  return Buffer.concat([Buffer.of(0), encodeAnswer(FETCH_VERSION, { error: 0, partitions })])
}

/** All partitions have the offset 5, whichever was asked for. */
function offsetsAnswer(partitions: readonly number[]): Buffer {
  const writer = new RequestWriter(200)
  writer.int32(0)
  writer.int32(1)
  writer.string('prices')
  writer.int32(partitions.length)
  for (const partition of partitions) {
    writer.int32(partition)
    writer.int16(0)
    writer.int64(-1n)
    writer.int64(5n)
    writer.int32(0)
  }
  return writer.written
}

async function started(options: Partial<ConsumerOptions> = {}): Promise<Consumer> {
  const consumer = broker.consumer({
    ...{ mode: 'broadcast', groupId: 'test', topics: ['prices'], start: { at: 'earliest' } },
    onBatch: async ({ count }) => count,
    ...options,
  })
  await consumer.start()
  return consumer
}

function assigned(consumer: Consumer): number[] {
  return consumer.health().assigned.map(({ partition }) => partition)
}

const RANGES = [0, 1].map((partition) => ({ topic: 'prices', partition, from: 5n }))

test.each([
  ['a broadcast', {}],
  ['ranges', { mode: 'manual', ranges: RANGES }],
] as const)(
  'a partition of %s that has no leader at the start is read when it has one, and the other at once',
  async (_, options) => {
    leaders = [
      [1, -1],
      [1, -1],
      [1, -1],
      [1, 1],
    ]
    const consumer = await started(options)
    expect(assigned(consumer)).toEqual([0])
    await until('both are read', () => assigned(consumer).length === 2)
    expect(consumer.health().epoch).toBe(2)
  },
)

test('a partition whose leader is lost while it is read is looked at until there is another', async () => {
  leaders = [[1], [-1], [-1], [1]]
  fetchErrors = [NOT_LEADER]
  await started()
  await until('all looks are taken', () => leaders.length === 1)
  const fetches = () => scripted.arrived.filter(({ apiKey }) => apiKey === FETCH).length
  await until('it is fetched', () => fetches() >= 2)
})
