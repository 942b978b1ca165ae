import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api'
import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace'
import { createLoop } from '../../consumers/loop.ts'
import { WarmRequests } from '../../consumers/warm-requests.ts'
import { createWarmRequestProducer } from '../../producers/warm-requests.ts'
import type { WarmRequest } from '../../schemas/warm-request.ts'
import type { WarmResult } from '../../schemas/warm-result.ts'
import { createMemoryBroker } from '../../src/broker/memory/broker.ts'
import { L1 } from '../../src/cache/l1/l1.ts'
import { createMemoryL2 } from '../../src/cache/l2/memory.ts'
import { PairTable } from '../../src/cache/names/pair-table.ts'
import { Promotion } from '../../src/cache/promotion.ts'
import { systemClock } from '../../src/clock.ts'
import { createMetrics } from '../../src/telemetry/metrics.ts'
import type { Telemetry } from '../../src/telemetry/sdk.ts'
import { startSdk } from '../../src/telemetry/sdk.ts'
import { traceHeaders, traceOf } from '../../src/telemetry/spans.ts'
import { Warmer } from '../../src/warming/warmer.ts'
import { columnsOf } from '../cache/l2/columns.ts'
import { until } from '../harness/until.ts'

const TOPIC = 'warm-requests'
const metrics = createMetrics()
const exporter = new InMemorySpanExporter()
const broker = createMemoryBroker({ partitions: { [TOPIC]: 2 } })
const table = new PairTable({ maxPairs: 100 })
const results: WarmResult[] = []
let telemetry: Telemetry
let warmer: Warmer

const request = (requestId: string, pairs: readonly string[]): WarmRequest => ({
  ...{ v: 1, requestId, chain: 'ethereum', pairs, origin: 'correlation', strategy: 'forewarm', priority: 'high' },
  issuedAtMs: 1,
})

beforeAll(async () => {
  telemetry = await startSdk({
    config: { metrics: { enabled: true, prefix: '' } },
    metrics,
    serviceName: 'test',
    version: '0.0.0',
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
  })
  const l2 = createMemoryL2({ clock: systemClock, random: Math.random, ttlMs: 60_000 })
  const ids = ['a', 'b'].map((pair) => table.register('ethereum', pair))
  await l2.write(columnsOf(ids.map((pairId) => ({ pairId, version: 1 }))), 0, 2)
  const l1 = new L1({ slots: 10, maxPairs: 100 })
  const promotion = new Promotion({ table, l1, l2, writeBehind: { pending: () => false }, metrics })
  warmer = new Warmer({ nodeId: 'n', table, isInterested: () => true, promotion, clock: systemClock, metrics })
  const onFault = () => undefined
  const handler = new WarmRequests({ warmer, metrics, publish: (result) => results.push(result), onFault })
  const onBatch = createLoop({ handlerOf: () => handler, deadLetters: async () => {}, onFault })
  await broker.consumer({ mode: 'broadcast', groupId: 'g', topics: [TOPIC], start: { at: 'latest' }, onBatch }).start()
})
afterAll(async () => {
  await broker.close()
  await telemetry.shutdown()
})

describe('the trace of a warm request', () => {
  it('has send, process, the trip to Redis and the promotion in one trace, and the counts on them', async () => {
    const producer = broker.producer()
    await producer.connect()
    const requests = createWarmRequestProducer({ producer, topic: TOPIC, partitions: 2 })
    await Promise.all([requests.send(request('r-1', ['a'])), requests.send(request('r-2', ['a', 'b']))])
    await until('both are answered', () => results.length === 2)
    for (const [requestId, pairs] of [
      ['r-1', 1],
      ['r-2', 2],
    ] as const) {
      const spans = exporter.getFinishedSpans()
      const sent = spans.find(
        ({ name, attributes }) => name === `send ${TOPIC}` && attributes['messaging.message.id'] === requestId,
      )
      const traceId = sent?.spanContext().traceId
      const own = spans.filter((span) => span.spanContext().traceId === traceId)
      const parentName = (name: string) => {
        const parentId = own.find((span) => span.name === name)?.parentSpanContext?.spanId
        return own.find((span) => span.spanContext().spanId === parentId)?.name
      }
      expect(own.map(({ name }) => name).sort()).toEqual(['MGET', `process ${TOPIC}`, 'promote', `send ${TOPIC}`])
      expect(parentName(`send ${TOPIC}`)).toBeUndefined()
      expect(parentName(`process ${TOPIC}`)).toBe(`send ${TOPIC}`)
      expect(parentName('MGET')).toBe(`process ${TOPIC}`)
      expect(parentName('promote')).toBe(`process ${TOPIC}`)
      expect(own.find(({ name }) => name === `process ${TOPIC}`)?.attributes).toMatchObject({
        'messaging.system': 'kafka',
        'forewarm.chain': 'ethereum',
        'forewarm.pairs': pairs,
        'forewarm.strategy': 'forewarm',
        'forewarm.status': 'done',
      })
    }
  })

  it('begins with a span that is no message if the node made the request itself', async () => {
    exporter.reset()
    await warmer.submit(request('of itself', ['a', 'unknown']))
    await warmer.warmPairs('ethereum', ['by hand'])
    const spans = exporter.getFinishedSpans()
    const warms = spans.filter(({ name }) => name === 'warm')
    expect(warms).toMatchObject([
      { kind: SpanKind.INTERNAL, attributes: { 'forewarm.request_id': 'of itself', 'forewarm.status': 'partial' } },
      { kind: SpanKind.INTERNAL, attributes: { 'forewarm.origin': 'manual' } },
    ])
    const names = spans.flatMap(({ name, attributes }) => [name, ...Object.keys(attributes)])
    expect(names.filter((name) => /process|messaging/.test(name))).toEqual([])
    const ids = (name: string) =>
      spans.filter((span) => span.name === name).map((span) => span.parentSpanContext?.spanId)
    expect(ids('MGET')).toEqual(warms.map((span) => span.spanContext().spanId))
  })

  it('is read back from the headers that carry it, and is empty without them', () => {
    const traceId = '0af7651916cd43dd8448eb211c80319c'
    const of = trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId: 'b7ad6b7169203331', traceFlags: 1 })
    const headers = traceHeaders(of)
    expect(headers).toEqual([['traceparent', Buffer.from(`00-${traceId}-b7ad6b7169203331-01`)]])
    expect(trace.getSpanContext(traceOf(headers))).toMatchObject({ traceId, isRemote: true })
    expect(trace.getSpanContext(traceOf([]))).toBeUndefined()
    expect(trace.getSpanContext(traceOf([['traceparent', Buffer.from('nonsense')]]))).toBeUndefined()
    expect(traceHeaders(ROOT_CONTEXT)).toEqual([])
  })
})
