import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { SpanKind, SpanStatusCode } from '@opentelemetry/api'
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace'
import type { ForewarmNode } from '../../node.ts'
import { createMemoryBroker } from '../../src/broker/memory.ts'
import { detector } from '../../src/detect/detector.ts'
import { until } from '../harness/until.ts'
import { openStage, type Stage, updateOf } from './stage.ts'

/** One for all tests: OpenTelemetry is global to the process, and its first SDK serves all. */
const finished: ReadableSpan[] = []
const keeping: SpanProcessor = {
  onStart: () => undefined,
  onEnd: (span) => void finished.push(span),
  forceFlush: async () => undefined,
  shutdown: async () => undefined,
}
let stage: Stage
let node: ForewarmNode

beforeAll(async () => {
  stage = await openStage({ broker: createMemoryBroker() })
  const reader = detector('reader', {}, ({ pair }, prices) => {
    if (pair === 'LEADER') prices.get('ethereum', 'FOLLOWER')
  })
  node = await stage.startNode({
    detectors: [reader],
    spanProcessors: [keeping],
    config: { cache: { l1Slots: 4 }, node: { lookAhead: 'off' } },
  })
  await stage.produce(...Array.from({ length: 10 }, (_, i) => updateOf(`P${i}`)))
  await until('the pairs are in L2', () => node.stats().updates === 10 && node.stats().l2.waitingEntries === 0)
})

afterAll(() => stage.close())

/** The finished spans of the request, by name without the topic's. */
async function spansOf(requestId: string, count: number): Promise<ReadonlyMap<string, ReadableSpan>> {
  const found = (): readonly ReadableSpan[] => {
    const known = finished.find(({ attributes }) => attributes['messaging.message.id'] === requestId)
    return finished.filter((span) => span.spanContext().traceId === known?.spanContext().traceId)
  }
  await until(`the trace has ${count} spans`, () => found().length === count)
  return new Map(found().map((span) => [span.name.split(' ')[0] ?? '', span]))
}

test('publish, receive, L2 and promote of a warm request share one trace, each below the one before', async () => {
  const publisher = await stage.warmPublisher()
  const { requestId } = await publisher.request({ chain: 'ethereum', pairs: ['P7', 'P8'], wait: true })
  const spans = await spansOf(requestId, 4)
  expect([...spans.keys()].toSorted()).toEqual(['MGET', 'process', 'promote', 'send'])
  const [send, receive, load, promote] = ['send', 'process', 'MGET', 'promote'].map((name) => spans.get(name))
  expect(send?.kind).toBe(SpanKind.PRODUCER)
  expect(send?.parentSpanContext).toBeUndefined()
  expect(receive?.kind).toBe(SpanKind.CONSUMER)
  expect(receive?.parentSpanContext?.spanId).toBe(send?.spanContext().spanId)
  expect(load?.parentSpanContext?.spanId).toBe(receive?.spanContext().spanId)
  expect(promote?.parentSpanContext?.spanId).toBe(receive?.spanContext().spanId)
  expect(receive?.attributes).toMatchObject({
    'forewarm.status': 'done',
    'forewarm.pairs': 2,
    'forewarm.origin': 'manual',
  })
  expect(promote?.attributes).toMatchObject({ 'forewarm.warmed': 2 })
})

test('a request that is refused ends its trace with the reason', async () => {
  const publisher = await stage.warmPublisher()
  const { requestId } = await publisher.request({ chain: 'ethereum', pairs: ['P7'], notBeforeMs: Date.now() + 60_000 })
  await publisher.request({ chain: 'ethereum', pairs: ['P7'], wait: true })
  await node.close()
  const spans = await spansOf(requestId, 2)
  expect(spans.get('process')?.status).toEqual({ code: SpanStatusCode.ERROR, message: 'closed' })
})
