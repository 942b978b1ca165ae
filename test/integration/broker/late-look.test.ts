import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { createKafkaBroker } from '../../../src/broker/kafka/broker.ts'
import {
  newGroup,
  newTopic,
  numbered,
  type ReaderOptions,
  records,
  type Stage,
  setStage,
  startReader,
  untilSeen,
} from '../../broker/conformance/stage.ts'
import { kafkaBrokers, uniqueName } from '../../harness/kafka.ts'
import { until } from '../../harness/until.ts'

const LATEST = { at: 'committed', otherwise: 'latest' } as const

let stage: Stage

beforeEach(async () => {
  stage = await setStage(createKafkaBroker({ brokers: kafkaBrokers(), clientId: uniqueName('late-look') }))
})
afterEach(() => stage.broker.close())

test('who joins when the others have not seen yet that a topic was made again reads it from its first record', async () => {
  const topic = await newTopic(stage, 4)
  const options: ReaderOptions = { topics: [topic], groupId: newGroup(), start: LATEST }
  const first = await startReader(stage, options)
  const send = (prefix: string) =>
    stage.producer.sendBatch(
      topic,
      [0, 1, 2, 3].flatMap((at) => records(at, numbered(`${prefix} ${at} `, 5))),
    )
  await send('old')
  await untilSeen(first, 20)
  await stage.admin.deleteTopics([topic])
  await until('it has seen that', () => first.events.some((event) => event.type === 'topic' && event.change === 'gone'))
  const goneMs = performance.now()
  await until('its looks are a second apart, as they are by then', () => performance.now() - goneMs > 2_000)
  await stage.admin.createTopics([{ topic, partitions: 4 }])
  await send('new')
  const second = await startReader(stage, options)
  await until('all are handled', () => first.seen.length + second.seen.length === 40, { timeoutMs: 10_000 })
  // Forty of which some came twice would hide others that were lost.
  const values = [...first.seen, ...second.seen].map(({ value }) => String(value))
  expect(new Set(values).size).toBe(40)
  await until('both hold some', () => [first, second].every(({ consumer }) => consumer.health().assigned.length === 2))
})
