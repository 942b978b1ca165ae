import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from '@jest/globals'
import { allotPorts } from '../../deploy/stack/ports.ts'
import { createNode } from '../../node/node.ts'
import { pairKey } from '../../schemas/topics.ts'
import { createMemoryBroker } from '../../src/broker/memory/broker.ts'
import { detector } from '../../src/detect/detector.ts'
import type { ForewarmError } from '../../src/forewarm-error.ts'
import { uniqueName } from '../harness/kafka.ts'
import { until } from '../harness/until.ts'
import { get } from './scrape.ts'
import { onStage, updateOf } from './stage.ts'

const inMemory = () => ({ broker: createMemoryBroker() })

test('a node with invalid settings is refused with all of them at once', async () => {
  const faulty = { METRICS_PORT: '99999', L2_FLUSH_MS: 'soon', FOREWARM_ROLES: 'watch' }
  const made = createNode({ env: faulty, logLevel: 'silent', broker: createMemoryBroker() })
  await expect(made).rejects.toMatchObject({ name: 'ForewarmError', code: 'bad-config' })
  await made.catch(({ message }: ForewarmError) => {
    for (const name of Object.keys(faulty)) expect(message).toContain(name)
  })
})

test('a node names a price topic that does not exist, and how to create it', async () => {
  await onStage(inMemory(), async (stage) => {
    const node = await stage.node({ config: { kafka: { priceTopics: [stage.topic, 'prices.absent'] } } })
    const message = expect.stringMatching(/prices\.absent.*topics create/)
    await expect(node.start()).rejects.toMatchObject({ code: 'topics-unusable', message })
  })
})

test('a node names a pattern that matches no topic', async () => {
  await onStage(inMemory(), async (stage) => {
    const node = await stage.node({ config: { kafka: { priceTopics: /^quotes\./ } } })
    const message = expect.stringContaining('quotes')
    await expect(node.start()).rejects.toMatchObject({ code: 'topics-unusable', message })
  })
})

test('the pattern of a node matches neither dead letters nor its own topics', async () => {
  await onStage(inMemory(), async (stage) => {
    const handled: string[] = []
    const any = detector('any', {}, ({ pair }) => void handled.push(pair))
    await stage.startNode({ config: { kafka: { priceTopics: /./ } }, detectors: [any] })
    await stage.produceRecords({ partition: 0, key: 'ethereum', value: 'bad' })
    await stage.deadLetters(1)
    await stage.produce(updateOf('GOOD'))
    await until('the good one is handled', () => handled.length > 0)
    expect(await stage.deadLetters(1)).toHaveLength(1)
    expect(await stage.admin.topics()).not.toContain(`${stage.topic}.dlq.dlq`)
  })
})

test('price topics may have different numbers of partitions, and so do their dead-letter topics', async () => {
  await onStage({ broker: createMemoryBroker(), partitions: 3 }, async (stage) => {
    const other = uniqueName('prices.other')
    await stage.admin.createTopics([{ topic: other, partitions: 5 }])
    let handled = 0
    const detectors = [detector('any', {}, () => void handled++)]
    await stage.startNode({ config: { kafka: { priceTopics: [stage.topic, other] } }, detectors })
    const value = JSON.stringify(updateOf('ANY'))
    await stage.producer.sendBatch(
      other,
      [0, 1, 2, 3, 4].map((partition) => ({ partition, value })),
    )
    await until('every partition is read', () => handled === 5)
    expect(await stage.admin.partitions(`${other}.dlq`)).toBe(5)
  })
})

test('a node creates missing topics, those of dead letters with room for the largest record', async () => {
  const limits = { partitions: 3, topicConfig: { 'max.message.bytes': '5000000' } }
  await onStage({ broker: createMemoryBroker(), ...limits }, async (stage) => {
    await stage.startNode()
    for (const topic of [stage.topics.warmRequests, stage.topics.warmResults, `${stage.topic}.dlq`])
      expect(await stage.admin.partitions(topic)).toBe(3)
    const config = await stage.admin.topicConfig(`${stage.topic}.dlq`, ['max.message.bytes'])
    expect(Number(config.get('max.message.bytes'))).toBe(5_000_000 + 64 * 1024)
  })
})

test('a node whose port is taken fails with a ForewarmError', async () => {
  await onStage(inMemory(), async (stage) => {
    const first = await stage.startNode()
    const second = await stage.node({ config: { http: { port: first.httpPort } } })
    const error = {
      name: 'ForewarmError',
      code: 'port-unusable',
      message: expect.stringContaining(String(first.httpPort)),
    }
    await expect(second.start()).rejects.toMatchObject(error)
  })
})

test('a node that could not start is closed: its port is free, and it does not start again', async () => {
  await onStage(inMemory(), async (stage) => {
    // Below the ports that the system may give to outgoing connections.
    const [port = 0] = await allotPorts(['any'])
    const http = { port }
    const node = await stage.node({ config: { kafka: { priceTopics: ['prices.absent'] }, http } })
    await expect(node.start()).rejects.toMatchObject({ code: 'topics-unusable' })
    await expect(get(node, '/livez')).rejects.toThrow()
    await expect(node.start()).rejects.toMatchObject({ code: 'closed', message: expect.stringContaining('another') })
    await stage.startNode({ config: { http } })
  })
})

test('a node that gave up on Kafka is closed, and another one starts once Kafka is there', async () => {
  const broker = createMemoryBroker()
  await onStage({ broker }, async (stage) => {
    broker.disconnect()
    const config = { kafka: { startTimeoutMs: 300 } }
    const node = await stage.node({ config })
    const first = node.start()
    expect(node.start()).toBe(first)
    await expect(first).rejects.toMatchObject({ code: 'kafka-unreachable', retriable: true })
    await expect(get(node, '/livez')).rejects.toThrow()
    broker.reconnect()
    await expect(node.start()).rejects.toMatchObject({ code: 'closed' })
    const next = await stage.startNode({ config })
    expect(await get(next, '/readyz')).toMatchObject({ status: 200 })
  })
})

test('starting a node twice is one start', async () => {
  await onStage(inMemory(), async (stage) => {
    const node = await stage.node()
    expect(node.start()).toBe(node.start())
    await node.start()
  })
})

test('closing a node twice is one close, and a closed node does not start', async () => {
  await onStage(inMemory(), async (stage) => {
    const node = await stage.startNode()
    expect(node.close()).toBe(node.close())
    await node.close()
    await expect(node.start()).rejects.toMatchObject({ code: 'closed' })
    await expect(get(node, '/livez')).rejects.toThrow()
  })
})

test('a node that was never started closes, and does not start afterwards', async () => {
  await onStage(inMemory(), async (stage) => {
    const node = await stage.node()
    await node.close()
    await expect(node.start()).rejects.toMatchObject({ code: 'closed' })
  })
})

test('closing a node at any moment of its start ends the start, and frees what it had taken', async () => {
  await onStage(inMemory(), async (stage) => {
    const reference = await stage.startNode()
    let refusals = 0
    for (let turns = 0; turns < 30; turns++) {
      const node = await stage.node()
      const started = node.start().then(
        () => 'started',
        ({ code }: ForewarmError) => code,
      )
      for (let turn = 0; turn < turns; turn++) await nextTurn()
      await node.close()
      const outcome = await started
      expect(['started', 'closed']).toContain(outcome)
      if (outcome === 'closed') refusals++
      if (node.httpPort !== undefined) await expect(get(node, '/livez')).rejects.toThrow()
    }
    expect(refusals).toBeGreaterThan(0)
    await stage.produce(updateOf('A'))
    await until('the group is the one that is left', () => reference.stats().updates === 1)
  })
})

test('closing a node before the first step of its start ends the start', async () => {
  await onStage(inMemory(), async (stage) => {
    const node = await stage.node()
    const refused = expect(node.start()).rejects.toMatchObject({ code: 'closed' })
    await node.close()
    await refused
    expect(node.httpPort).toBeUndefined()
  })
})

test('a node that starts without its broker tries again until it answers', async () => {
  const broker = createMemoryBroker()
  await onStage({ broker }, async (stage) => {
    broker.disconnect()
    const node = await stage.node()
    const started = node.start()
    await until('the port is open', () => node.httpPort !== undefined)
    expect(await get(node, '/livez')).toMatchObject({ status: 200 })
    expect(await get(node, '/readyz')).toMatchObject({ status: 503, body: expect.stringContaining('Kafka') })
    broker.reconnect()
    await started
    expect(await get(node, '/readyz')).toMatchObject({ status: 200 })
  })
})

test('closing a node while it tries to reach its broker ends the start at once', async () => {
  const broker = createMemoryBroker()
  await onStage({ broker }, async (stage) => {
    broker.disconnect()
    const node = await stage.node({ config: { kafka: { startTimeoutMs: 3_600_000 } } })
    const refused = expect(node.start()).rejects.toMatchObject({ code: 'closed' })
    await until('the port is open', () => node.httpPort !== undefined)
    await node.close()
    await refused
    broker.reconnect()
  })
})

test('closing a node waits for running handlers, and their updates are not handled again', async () => {
  await onStage(inMemory(), async (stage) => {
    const begun: string[] = []
    const { promise: gate, resolve: open } = Promise.withResolvers<void>()
    const slow = detector('slow', {}, async ({ pair }) => {
      begun.push(pair)
      await gate
    })
    const first = await stage.startNode({ detectors: [slow] })
    await stage.produce(updateOf('A'), updateOf('B'))
    await until('both are under way', () => begun.length === 2)
    const closed = first.close()
    open()
    await closed
    expect(await stage.committed()).toBe(2)
    const seen: string[] = []
    await stage.startNode({ detectors: [detector('next', {}, ({ pair }) => void seen.push(pair))] })
    await stage.produce(updateOf('C'))
    await until('the next node reads on', () => seen.length > 0)
    expect(seen).toEqual(['C'])
  })
})

test('updates whose handlers exceed the drain timeout are read by the next node', async () => {
  await onStage(inMemory(), async (stage) => {
    const hanging = Promise.withResolvers<void>()
    const begun: string[] = []
    const slow = detector('slow', {}, ({ pair }) => {
      begun.push(pair)
      return hanging.promise
    })
    const config = { node: { drainTimeoutMs: 0, detectorTimeoutMs: 60_000 } }
    const first = await stage.startNode({ detectors: [slow], config })
    await stage.produce(updateOf('A'))
    await until('it is under way', () => begun.length === 1)
    await first.close()
    expect(await stage.committed()).toBe(0)
    const seen: string[] = []
    await stage.startNode({ detectors: [detector('next', {}, ({ pair }) => void seen.push(pair))] })
    await until('the next node reads it', () => seen.length > 0)
    expect(seen).toEqual(['A'])
    hanging.resolve()
  })
})

test('updates that no handler got before a node closed are read by the next node', async () => {
  await onStage(inMemory(), async (stage) => {
    const first: number[] = []
    const second: number[] = []
    const into = (prices: number[]) => detector('noting', {}, ({ price }) => void prices.push(price))
    const closing = await stage.startNode({ detectors: [into(first)] })
    const updates = Array.from({ length: 3_000 }, (_, i) => updateOf(`P${i % 7}`, { price: i }))
    const produced = stage.produce(...updates)
    await until('some are handled', () => first.length > 0)
    await Promise.all([closing.close(), produced])
    await stage.startNode({ detectors: [into(second)] })
    await until('all are handled', () => first.length + second.length >= 3_000)
    expect([...first, ...second]).toEqual(updates.map(({ price }) => price))
  })
})

test('a node without detectors, or without correlation, reads in a separate group', async () => {
  await onStage(inMemory(), async (stage) => {
    await stage.startNode({ config: { node: { roles: ['correlate'] } } })
    await stage.startNode({ config: { node: { roles: ['detect'] } } })
    await stage.produce(updateOf('A'))
    for (const role of ['correlate', 'detect'])
      await until(`${role} has read it`, async () => (await stage.committed(`${stage.service}.${role}`)) === 1)
    expect(await stage.committed()).toBe(0)
  })
})

test('a node with only the role api answers over HTTP and reads nothing', async () => {
  await onStage(inMemory(), async (stage) => {
    const node = await stage.startNode({ config: { node: { roles: ['api'] } } })
    await stage.produceRecords({ partition: 0, key: pairKey('ethereum', 'A'), value: 'bad' })
    expect(await get(node, '/livez')).toMatchObject({ status: 200 })
    expect(await get(node, '/readyz')).toMatchObject({ status: 200 })
    expect(node.stats().lagRecords).toBe(0)
  })
})

test('a node without the role api opens no port', async () => {
  await onStage(inMemory(), async (stage) => {
    const node = await stage.startNode({ config: { node: { roles: ['correlate', 'detect', 'warm'] } } })
    expect(node.httpPort).toBeUndefined()
  })
})
