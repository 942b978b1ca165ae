import { beforeEach, describe, expect, test } from '@jest/globals'
import { type SeenTopic, TopicWatch } from '../../../../src/broker/kafka/consumer/topic-watch.ts'
import { CODE } from '../../../../src/broker/kafka/wire/codes.ts'
import type { Metadata, TopicMetadata } from '../../../../src/broker/kafka/wire/metadata.ts'
import { virtualClock } from '../../../../src/clock.ts'
import { ManualTimer, settled } from '../../../harness/manual-timer.ts'

const AGE_MS = 5_000
const PRICES: Metadata = {
  ...{ clusterId: 'c', controllerId: 1, nodes: [] },
  topics: [
    { error: CODE.none, topic: 'prices', id: undefined, isInternal: false, partitions: [{ partition: 0, leader: 1 }] },
  ],
}

let timer: ManualTimer
let watch: TopicWatch
/** The looks that are not answered yet. */
let looks: { answer(): void; fail(error: Error): void }[]
let seen: number
let failures: string[]

beforeEach(async () => {
  timer = new ManualTimer(virtualClock())
  ;[looks, seen, failures] = [[], 0, []]
  const metadata = () =>
    new Promise<Metadata>((resolve, reject) => {
      looks.push({ answer: () => resolve(PRICES), fail: reject })
    })
  watch = new TopicWatch({
    ...{ cluster: { metadata }, topics: ['prices'], ageMs: AGE_MS, timer: timer.start },
    onSeen: () => {
      seen += 1
    },
    onFailed: (error) => failures.push(String(error)),
  })
  const started = watch.start()
  await answered()
  await started
})

async function answered(): Promise<void> {
  await settled()
  looks.shift()?.answer()
  await settled()
}

test('the topics are looked at every so often', async () => {
  for (const times of [1, 2, 3]) {
    await timer.advance(AGE_MS)
    await answered()
    expect(seen).toBe(times)
  }
})

test('something that moves is looked at soon, and less soon while that goes on', async () => {
  for (const gapMs of [50, 100, 200, 400, 800, 1_000, 1_000]) {
    watch.lookSoon()
    await timer.advance(gapMs - 1)
    expect(looks).toHaveLength(0)
    await timer.advance(1)
    expect(looks).toHaveLength(1)
    await answered()
  }
})

test('what moves while a slow look is in flight is looked at when that one ends', async () => {
  watch.lookSoon()
  await timer.advance(50)
  watch.lookSoon()
  await timer.advance(10_000)
  expect(looks).toHaveLength(1)
  looks.shift()?.fail(new Error('no answer'))
  await timer.advance(1_000)
  expect(looks).toHaveLength(1)
  await answered()
  expect([seen, failures]).toEqual([1, ['Error: no answer']])
  await timer.advance(AGE_MS)
  expect(looks).toHaveLength(1)
})

test('a watch that is stopped looks no more', async () => {
  watch.stop()
  watch.lookSoon()
  await timer.advance(2 * AGE_MS)
  expect(looks).toHaveLength(0)
})

describe('a watch of topics that match', () => {
  let exists: Set<string>
  let told: readonly SeenTopic[]
  let matching: TopicWatch

  const metadataOf = (topic: string): TopicMetadata => {
    const [error, partitions] = exists.has(topic)
      ? [CODE.none, [{ partition: 0, leader: 1 }]]
      : [CODE.unknownTopicOrPartition, []]
    return { ...{ error, topic, partitions }, id: undefined, isInternal: false }
  }

  async function startWith(topics: readonly string[]): Promise<void> {
    exists = new Set(topics)
    matching = new TopicWatch({
      cluster: { metadata: async (names) => ({ ...PRICES, topics: [...(names ?? exists)].map(metadataOf) }) },
      ...{ topics: ['named'], matches: (topic) => topic.startsWith('m'), ageMs: AGE_MS, timer: timer.start },
      onSeen: (seen) => {
        told = seen
      },
      onFailed: (error) => failures.push(String(error)),
    })
    await matching.start()
  }

  /** The topics that a look tells of other than by their metadata alone. */
  async function look(): Promise<string[]> {
    await timer.advance(AGE_MS)
    await settled()
    return told.flatMap(({ topic, watched }) => (watched === undefined ? [] : [`${topic} ${watched}`]))
  }

  beforeEach(() => watch.stop())

  test('drops one that is missing in six looks in a row, and finds it if it is made again', async () => {
    await startWith(['named', 'm1', 'm2'])
    exists.delete('m1')
    for (let times = 1; times < 6; times++) expect(await look()).toEqual([])
    exists.add('m1')
    expect(await look()).toEqual([])
    exists.delete('m1')
    for (let times = 1; times < 6; times++) expect(await look()).toEqual([])
    expect(await look()).toEqual(['m1 dropped'])
    expect(matching.names).toEqual(['named', 'm2'])
    exists.add('m1')
    expect(await look()).toEqual([])
    expect(matching.names).toEqual(['named', 'm2', 'm1'])
  })

  test('does not drop one that does not match, but was named', async () => {
    await startWith(['named', 'm1'])
    exists.delete('named')
    for (let times = 1; times < 10; times++) expect(await look()).toEqual([])
    expect(matching.names).toContain('named')
  })

  test('tells one of those that it leaves out when it has 10,000, once', async () => {
    await startWith(['named', ...Array.from({ length: 9_999 }, (_, at) => `m${at}`)])
    expect(await look()).toEqual([])
    exists.add('more')
    exists.add('most')
    expect(await look()).toEqual(['more left-out'])
    expect(await look()).toEqual([])
    expect(matching.names).toHaveLength(10_000)
  })
})
