import { afterEach, describe, expect, it } from '@jest/globals'
import { createWarmRequestProducer } from '../../producers/warm-requests.ts'
import { partitionOf } from '../../schemas/topics.ts'
import { parseWarmRequest, type WarmRequest } from '../../schemas/warm-request.ts'
import { createMemoryBroker } from '../../src/broker/memory/broker.ts'
import { BrokerError } from '../../src/broker/port.ts'
import { storedRecords } from './stored-records.ts'

const TOPIC = 'warm-requests'
const PARTITIONS = 6
const request = (requestId: string, chain: string): WarmRequest => ({
  v: 1,
  requestId,
  chain,
  pairs: ['a'],
  origin: 'manual',
  priority: 'high',
  issuedAtMs: 1,
})

const broker = createMemoryBroker({ partitions: { [TOPIC]: PARTITIONS } })
const producer = broker.producer()
afterEach(() => broker.reconnect())

describe('a warm request producer', () => {
  it('stores a request under its chain, in the partition of its chain', async () => {
    await producer.connect()
    const requests = createWarmRequestProducer({ producer, topic: TOPIC, partitions: PARTITIONS })
    const sent = ['ethereum', 'base', 'solana'].map((chain, i) => request(`r-${i}`, chain))
    await Promise.all(sent.map((each) => requests.send(each)))
    await requests.close()
    const stored = await storedRecords(broker, TOPIC, 3)
    for (const each of sent) {
      const record = stored.find(({ key }) => key === each.chain)
      expect(record?.partition).toBe(partitionOf(each.chain, PARTITIONS))
      expect(parseWarmRequest(record?.value ?? Buffer.alloc(0))).toEqual({ ok: true, value: each })
      expect(record?.headers).toEqual({})
    }
  })

  it("rejects with the broker's error, and with closed after its close", async () => {
    await producer.connect()
    const requests = createWarmRequestProducer({ producer, topic: TOPIC, partitions: PARTITIONS })
    broker.fail(1, new BrokerError('too-large', 'too large', { retriable: false }))
    await expect(requests.send(request('x', 'ethereum'))).rejects.toMatchObject({ code: 'too-large' })
    await requests.close()
    await expect(requests.send(request('y', 'ethereum'))).rejects.toMatchObject({ code: 'closed' })
  })
})
