import { expect, test } from '@jest/globals'
import { encodeWarmRequest, type WarmRequest } from '../../schemas/warm-request.ts'
import { createMemoryBroker } from '../../src/broker/memory/broker.ts'
import { virtualClock } from '../../src/clock.ts'
import { until } from '../harness/until.ts'
import { onStage } from './stage.ts'

test("in a replay, a warm request becomes due, expires and is answered by the records' time, and does not move it", async () => {
  await onStage({ broker: createMemoryBroker() }, async (stage) => {
    const startMs = 1_700_000_000_000
    const clock = virtualClock(startMs)
    const node = await stage.startNode({ clock })
    const priceAt = (pair: string, ms: number) => {
      const update = { pair, chain: 'ethereum', price: 1, eventTimeMs: startMs + ms }
      return { partition: 0, key: 'ethereum', value: JSON.stringify(update), timestampMs: startMs + ms }
    }
    await stage.produceRecords(priceAt('A', 0))
    await until('A is handled', () => node.stats().updates === 1)
    const results = await stage.watch(stage.topics.warmResults)
    const request = (requestId: string, times: Partial<WarmRequest>) => {
      const wish = { v: 1, requestId, service: stage.service, chain: 'ethereum', pairs: ['A'] } as const
      return {
        partition: 0,
        value: encodeWarmRequest({ ...wish, origin: 'manual', priority: 'high', issuedAtMs: startMs, ...times }),
      }
    }
    await stage.producer.sendBatch(stage.topics.warmRequests, [
      request('held', { notBeforeMs: startMs + 1_000, expiresAtMs: startMs + 1_500 }),
      request('at once', { expiresAtMs: startMs + 1 }),
    ])
    await until('one is answered', () => results.length > 0)
    expect(clock.now()).toBe(startMs)
    await stage.produceRecords(priceAt('B', 1_200))
    await until('both are answered', () => results.length === 2)
    await stage.producer.sendBatch(stage.topics.warmRequests, [request('late', { expiresAtMs: startMs + 1_100 })])
    await until('all are answered', () => results.length === 3)
    expect(results.map(({ value }) => JSON.parse(String(value)))).toMatchObject([
      { requestId: 'at once', status: 'done', atMs: startMs },
      { requestId: 'held', status: 'done', atMs: startMs + 1_200 },
      { requestId: 'late', status: 'refused', atMs: startMs + 1_200 },
    ])
  })
})
