import { describe, expect, it } from '@jest/globals'
import { createWarmResultProducer } from '../../producers/warm-results.ts'
import { partitionOf } from '../../schemas/topics.ts'
import { parseWarmResult, type WarmResult } from '../../schemas/warm-result.ts'
import { createMemoryBroker } from '../../src/broker/memory/broker.ts'
import { storedRecords } from './stored-records.ts'

const TOPIC = 'warm-results'
const PARTITIONS = 6

describe('a warm result producer', () => {
  it('stores a result under its request id, in the partition of its request id', async () => {
    const broker = createMemoryBroker({ partitions: { [TOPIC]: PARTITIONS } })
    const producer = broker.producer()
    await producer.connect()
    const results = createWarmResultProducer({ producer, topic: TOPIC, partitions: PARTITIONS })
    const counts = { warmed: 1, alreadyInL1: 0, notFound: 0, refusedOlder: 0, notInterested: 0 }
    const sent = ['r-1', 'r-2', 'r-3'].map(
      (requestId): WarmResult => ({ v: 1, requestId, node: 'n', status: 'done', ...counts, durationMs: 1, atMs: 2 }),
    )
    for (const each of sent) void results.send(each)
    await results.close()
    const stored = await storedRecords(broker, TOPIC, 3)
    for (const each of sent) {
      const record = stored.find(({ key }) => key === each.requestId)
      expect(record?.partition).toBe(partitionOf(each.requestId, PARTITIONS))
      expect(parseWarmResult(record?.value ?? Buffer.alloc(0))).toEqual({ ok: true, value: each })
    }
    await broker.close()
  })
})
