import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { createWarmPublisher, type WarmPublisher } from '../../producers/warm-publisher.ts'
import { createWarmResultProducer, type WarmResultProducer } from '../../producers/warm-results.ts'
import { parseWarmRequest, type WarmRequest } from '../../schemas/warm-request.ts'
import type { WarmResult, WarmStatus } from '../../schemas/warm-result.ts'
import { createMemoryBroker, type MemoryBroker } from '../../src/broker/memory/broker.ts'
import { BrokerError, type Producer } from '../../src/broker/port.ts'
import { type VirtualClock, virtualClock } from '../../src/clock.ts'
import { ManualTimer } from '../harness/manual-timer.ts'
import { until } from '../harness/until.ts'
import { storedRecords } from './stored-records.ts'

const TOPICS = { warmRequests: 'warm-requests', warmResults: 'warm-results' }
const NOW_MS = 1_700_000_000_000
const ASK = { chain: 'ethereum', pairs: ['WETH/USDC'] }

let broker: MemoryBroker
let clock: VirtualClock
let timer: ManualTimer
let publisher: WarmPublisher
let producer: Producer
let results: WarmResultProducer

beforeEach(async () => {
  broker = createMemoryBroker({ partitions: { [TOPICS.warmRequests]: 3, [TOPICS.warmResults]: 3 } })
  clock = virtualClock(NOW_MS)
  timer = new ManualTimer(clock)
  publisher = await createWarmPublisher({ broker, topics: TOPICS, clock, timer: timer.start })
  producer = broker.producer()
  await producer.connect()
  results = createWarmResultProducer({ producer, topic: TOPICS.warmResults, partitions: 3 })
})
afterEach(async () => {
  await publisher.close()
  await results.close()
  await broker.close()
})

/** Moves the virtual time along, so that what lingers is sent. */
async function passing<T>(work: Promise<T>, stepMs = 1): Promise<T> {
  let done = false
  const settle = () => {
    done = true
  }
  work.then(settle, settle)
  await until('it is done', async () => {
    await timer.advance(stepMs)
    return done
  })
  return work
}

/** The requests that nodes would see, once there are `count`. */
async function requests(count: number): Promise<WarmRequest[]> {
  const stored = await passing(storedRecords(broker, TOPICS.warmRequests, count))
  return stored.map(({ value }) => {
    const parsed = parseWarmRequest(value ?? Buffer.alloc(0))
    if (!parsed.ok) throw new Error(parsed.detail)
    return parsed.value
  })
}

async function reply(requestId: string, node: string, status: WarmStatus, service?: string): Promise<WarmResult> {
  const counts = { warmed: 1, alreadyInL1: 0, notFound: 0, refusedOlder: 0, notInterested: 0 }
  const of = service !== undefined && { service }
  const result: WarmResult = { v: 1, requestId, ...of, node, status, ...counts, durationMs: 1, atMs: 2 }
  await results.send(result)
  return result
}

describe('a warm publisher', () => {
  it('sends the request that it is asked for, with an id of its own', async () => {
    const ask = {
      ...ASK,
      priority: 'critical',
      reason: 'listing at noon',
      dryRun: true,
      notBeforeMs: NOW_MS + 10,
    } as const
    const receipt = await passing(publisher.request({ ...ask, expiresAtMs: NOW_MS + 5_000 }))
    expect(receipt).toEqual({ status: 'sent', requestId: expect.any(String) })
    expect(await requests(1)).toEqual([
      { v: 1, requestId: receipt.requestId, origin: 'manual', issuedAtMs: NOW_MS, ...ask, expiresAtMs: NOW_MS + 5_000 },
    ])
  })

  it('waits for the first result that is no refusal', async () => {
    const waited = publisher.request({ ...ASK, wait: true })
    const [request] = await requests(1)
    const requestId = request?.requestId ?? ''
    const refusal = await reply(requestId, 'node-1', 'refused')
    const done = await reply(requestId, 'node-2', 'done')
    expect(await waited).toEqual({ status: 'answered', requestId, result: done, results: [refusal, done] })
    expect(timer.pending).toBe(0)
  })

  it('waits for as many nodes as it is told, and counts a node once', async () => {
    const waited = publisher.request({ ...ASK, wait: true, waitFor: 2 })
    const [request] = await requests(1)
    const requestId = request?.requestId ?? ''
    const first = await reply(requestId, 'node-1', 'done')
    await reply(requestId, 'node-1', 'done')
    const second = await reply(requestId, 'node-2', 'partial')
    expect(await waited).toMatchObject({ result: first, results: [first, second] })
  })

  it('waits with `all` until no node has answered for half a second, and says the state of the task', async () => {
    const waited = publisher.request({ ...ASK, wait: true, waitFor: 'all' })
    const [request] = await requests(1)
    const requestId = request?.requestId ?? ''
    const first = await reply(requestId, 'node-1', 'done')
    const second = await reply(requestId, 'node-2', 'partial')
    const nodes = [{ node: 'node-1' }, { node: 'node-2' }]
    expect(await passing(waited, 20)).toMatchObject({
      ...{ status: 'over', requestId, results: [first, second] },
      task: { taskId: requestId, state: 'partial', warmed: 2, nodes },
    })
    expect(timer.pending).toBe(0)
  })

  it('says the state of the task with `all` when the time is over, if a node has answered', async () => {
    const waited = publisher.request({ ...ASK, wait: true, waitFor: 'all', timeoutMs: 200 })
    const [request] = await requests(1)
    await reply(request?.requestId ?? '', 'node-1', 'refused')
    expect(await passing(waited, 20)).toMatchObject({ status: 'over', task: { state: 'refused' } })
    expect(clock.now()).toBeLessThan(NOW_MS + 500)
  })

  it('times out with `all` if no node answers', async () => {
    const waited = publisher.request({ ...ASK, wait: true, waitFor: 'all', timeoutMs: 200 })
    const [request] = await requests(1)
    expect(await passing(waited, 20)).toEqual({ status: 'timeout', requestId: request?.requestId, results: [] })
  })

  it('times out with the results that came until then', async () => {
    const waited = publisher.request({ ...ASK, wait: true, timeoutMs: 200 })
    const [request] = await requests(1)
    const requestId = request?.requestId ?? ''
    const refusal = await reply(requestId, 'node-1', 'refused')
    expect(await passing(waited, 20)).toEqual({ status: 'timeout', requestId, results: [refusal] })
  })

  it('waits from the time until which the request is held', async () => {
    const waited = publisher.request({ ...ASK, wait: true, timeoutMs: 200, notBeforeMs: NOW_MS + 1_000 })
    expect(await passing(waited, 100)).toMatchObject({ status: 'timeout' })
    expect(clock.now()).toBeGreaterThanOrEqual(NOW_MS + 1_200)
  })

  it('keeps the answers of several requests apart', async () => {
    const waited = [1, 2, 3].map((i) => publisher.request({ ...ASK, pairs: [`p-${i}`], wait: true }))
    const sent = await requests(3)
    for (const { requestId, pairs } of sent.toReversed()) await reply(requestId, `node of ${pairs[0]}`, 'done')
    const receipts = await Promise.all(waited)
    const nodes = receipts.map((receipt) => receipt.status === 'answered' && receipt.result.node)
    expect(nodes).toEqual(['node of p-1', 'node of p-2', 'node of p-3'])
  })

  it('asks the nodes of its service, and takes no answer of another', async () => {
    const staging = await createWarmPublisher({ broker, topics: TOPICS, service: 'staging', clock, timer: timer.start })
    const waited = [publisher, staging].map((each) => each.request({ ...ASK, wait: true }))
    const sent = await requests(2)
    expect(new Set(sent.map(({ service }) => service))).toEqual(new Set([undefined, 'staging']))
    for (const { requestId, service } of sent) {
      const [other, own] = service === 'staging' ? [undefined, 'staging'] : ['staging', undefined]
      await reply(requestId, 'another', 'done', other)
      await reply(requestId, 'ours', 'done', own)
    }
    for (const receipt of await Promise.all(waited)) expect(receipt).toMatchObject({ result: { node: 'ours' } })
    await staging.close()
  })

  it('skips results that cannot be parsed', async () => {
    const waited = publisher.request({ ...ASK, wait: true })
    const [request] = await requests(1)
    const requestId = request?.requestId ?? ''
    for (const value of ['{', '{"v":2}', null])
      await producer.sendBatch(TOPICS.warmResults, [{ partition: 0, key: requestId, value }])
    const done = await reply(requestId, 'node-1', 'done')
    expect(await waited).toMatchObject({ status: 'answered', result: done })
  })

  it('refuses a request that no node would accept', async () => {
    for (const pairs of [[], [''], Array.from({ length: 1_001 }, (_, i) => `p${i}`)])
      await expect(publisher.request({ ...ASK, pairs })).rejects.toMatchObject({
        name: 'ForewarmError',
        code: 'bad-value',
      })
    await expect(publisher.request({ ...ASK, chain: 'c'.repeat(65) })).rejects.toMatchObject({ code: 'bad-value' })
  })

  it.each([
    { timeoutMs: Number.NaN },
    { timeoutMs: -1 },
    { timeoutMs: 3_000_000_000 },
    { waitFor: 0 },
    { notBeforeMs: NOW_MS + 3_000_000_000 },
  ])('refuses to wait for %j', async (waiting) => {
    const [name = ''] = Object.keys(waiting)
    await expect(publisher.request({ ...ASK, wait: true, ...waiting })).rejects.toMatchObject({
      code: 'bad-value',
      message: expect.stringContaining(`${name}: expected`),
    })
  })

  it('refuses more requests than it can wait for, also before its consumer has joined', async () => {
    const asks = Array.from({ length: 10_002 }, () => publisher.request({ ...ASK, wait: true }))
    const settled = Promise.allSettled(asks)
    await requests(1)
    await publisher.close()
    const codes = (await settled).map((ask) => ask.status === 'rejected' && ask.reason.code)
    expect(codes.map((code, at) => [code, at]).filter(([code]) => code === 'refused')).toEqual([
      ['refused', 10_000],
      ['refused', 10_001],
    ])
  })

  it('rejects a request that cannot be stored, and does not wait for it', async () => {
    broker.fail(1, new BrokerError('refused', 'no', { retriable: false }))
    await expect(passing(publisher.request({ ...ASK, wait: true }))).rejects.toMatchObject({ code: 'refused' })
    expect(timer.pending).toBe(0)
  })

  it('rejects waiting requests at its close, and later ones', async () => {
    const waited = publisher.request({ ...ASK, wait: true })
    await requests(1)
    const refused = expect(waited).rejects.toMatchObject({ code: 'closed' })
    await publisher.close()
    await refused
    await publisher.close()
    await expect(publisher.request(ASK)).rejects.toMatchObject({ code: 'closed' })
  })

  it('is not created if there is no topic for warm requests', async () => {
    const empty = createMemoryBroker()
    const opened = createWarmPublisher({ broker: empty, topics: TOPICS, clock })
    await expect(opened).rejects.toMatchObject({ code: 'topics-unusable' })
    await empty.close()
  })
})
