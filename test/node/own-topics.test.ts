import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { deadLetterTopic, TOPIC_CONFIGS } from '../../schemas/topics.ts'
import { createMemoryBroker } from '../../src/broker/memory/broker.ts'
import type { Broker } from '../../src/broker/port.ts'
import { detector } from '../../src/detect/detector.ts'
import { until } from '../harness/until.ts'
import { onStage, type Stage, updateOf } from './stage.ts'

/** Topics that were made, written to, and of which a consumer got records. */
interface Seen {
  readonly made: Set<string>
  readonly written: Set<string>
  readonly read: Set<string>
}

/** The same broker; what is done through it is seen. */
function watched(broker: Broker, { made, written, read }: Seen): Broker {
  return {
    kind: broker.kind,
    close: () => broker.close(),
    admin: () => {
      const admin = broker.admin()
      const createTopics: typeof admin.createTopics = async (specs) => {
        for (const { topic } of specs) made.add(topic)
        return admin.createTopics(specs)
      }
      return Object.assign(Object.create(bound(admin)), { createTopics })
    },
    producer: () => {
      const producer = broker.producer()
      const sendBatch: typeof producer.sendBatch = async (topic, records) => {
        const stored = await producer.sendBatch(topic, records)
        if (records.length > 0) written.add(topic)
        return stored
      }
      return Object.assign(Object.create(bound(producer)), { sendBatch })
    },
    consumer: (options) =>
      broker.consumer({
        ...options,
        onBatch: (batch, context) => {
          if (batch.count > 0) read.add(batch.topic)
          return options.onBatch(batch, context)
        },
      }),
  }
}

/** The object, whose methods keep their `this` when they are called on another one. */
function bound<T extends object>(object: T): T {
  return new Proxy(object, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

/** All that a service does with topics: it learns, warms, is operated, refuses a record, closes, and starts again. */
async function live(stage: Stage): Promise<void> {
  const reader = detector('reader', {}, (_, prices) => void prices.get('ethereum', 'READ'))
  for (let start = 1; start <= 2; start++) {
    const node = await stage.startNode({ detectors: [reader] })
    await stage.produce(updateOf('A'), updateOf('READ'))
    await stage.produceRecords({ partition: 0, key: 'A', value: 'no price' })
    await until('all are handled', async () => node.stats().updates === 2 && (await stage.committed()) === 3 * start)
    const publisher = await stage.warmPublisher()
    const receipt = await publisher.request({ chain: 'ethereum', pairs: ['READ'], wait: true, timeoutMs: 45_000 })
    expect(receipt.status).toBe('answered')
    await publisher.close()
    expect((await node.rollout.set({ mode: 'full' })).status).toBe('set')
    await node.close()
  }
}

async function seenInLife() {
  const seen: Seen = { made: new Set(), written: new Set(), read: new Set() }
  const broker = createMemoryBroker()
  return onStage({ broker: watched(broker, seen) }, async (stage) => {
    seen.made.delete(stage.topic)
    await live(stage)
    const { warmRequests, warmResults, correlations, control } = stage.topics
    const names = new Map([
      [warmRequests, 'warm-requests'],
      [warmResults, 'warm-results'],
      [correlations, 'correlations'],
      [control, 'forewarm-control'],
      [deadLetterTopic(stage.topic), '<topic>.dlq'],
    ])
    const named = (topics: Set<string>) => [...topics].map((topic) => names.get(topic) ?? topic).toSorted()
    return { made: named(seen.made), written: named(seen.written), read: named(seen.read) }
  })
}

/** The first column of the table of topics in docs/architecture.md, and who reads it. */
function documented(): readonly (readonly [name: string, readers: string])[] {
  const text = readFileSync(new URL('../../docs/architecture.md', import.meta.url), 'utf8')
  const section = text.slice(text.indexOf('\n## Topics'))
  return [...section.matchAll(/^\| `([^`]+)` \|.*→ ([^|]+) \|$/gm)].map(([, name = '', readers = '']) => [
    name,
    readers,
  ])
}

test('every topic that a service makes is written and read by it, and is in the table; dead letters are for people', async () => {
  const { made, written, read } = await seenInLife()
  expect(made.filter((topic) => !written.includes(topic))).toEqual([])
  const forPeople = documented().flatMap(([name, readers]) => (readers === 'people' ? [name] : []))
  expect(made.filter((topic) => !read.includes(topic))).toEqual(forPeople)
  expect(forPeople).toEqual(['<topic>.dlq'])
  expect(
    documented()
      .map(([name]) => name)
      .toSorted(),
  ).toEqual(made)
  expect([...Object.keys(TOPIC_CONFIGS), '<topic>.dlq'].toSorted()).toEqual(made)
})
