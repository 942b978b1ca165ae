import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { SpanKind, SpanStatusCode } from '@opentelemetry/api'
import type { ForewarmNode } from '../../node/node.ts'
import { createMemoryBroker } from '../../src/broker/memory/broker.ts'
import { detector } from '../../src/detect/detector.ts'
import { until } from '../harness/until.ts'
import { KeptSpans } from './kept-spans.ts'
import { openStage, type Stage, updateOf } from './stage.ts'

const spans = new KeptSpans()
let stage: Stage
let node: ForewarmNode

beforeEach(async () => {
  stage = await openStage({ broker: createMemoryBroker() })
  const reader = detector('reader', {}, ({ pair }, prices) => {
    if (pair === 'LEADER') prices.get('ethereum', 'FOLLOWER')
  })
  node = await stage.startNode({
    detectors: [reader],
    spanProcessors: [spans],
    config: { cache: { l1Slots: 4 }, node: { lookAhead: 'off' } },
  })
  await stage.produce(...Array.from({ length: 10 }, (_, i) => updateOf(`P${i}`)))
  await until('the pairs are in L2', () => node.stats().updates === 10 && node.stats().l2.waitingEntries === 0)
})

afterEach(() => stage.close())

test('the send, process, L2 and promote spans of a warm request are one trace, each below the one before', async () => {
  const publisher = await stage.warmPublisher()
  const { requestId } = await publisher.request({ chain: 'ethereum', pairs: ['P7', 'P8'], wait: true })
  const trace = await spans.ofRequest(requestId, 4)
  expect([...trace.keys()].toSorted()).toEqual(['MGET', 'process', 'promote', 'send'])
  const [send, receive, load, promote] = ['send', 'process', 'MGET', 'promote'].map((name) => trace.get(name))
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

test('a refused warm request ends its trace with the reason', async () => {
  const publisher = await stage.warmPublisher()
  const { requestId } = await publisher.request({ chain: 'ethereum', pairs: ['P7'], notBeforeMs: Date.now() + 60_000 })
  await publisher.request({ chain: 'ethereum', pairs: ['P7'], wait: true })
  await node.close()
  const trace = await spans.ofRequest(requestId, 2)
  expect(trace.get('process')?.status).toEqual({ code: SpanStatusCode.ERROR, message: 'closed' })
})
