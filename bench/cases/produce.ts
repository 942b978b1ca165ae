import { setTimeout as pause } from 'node:timers/promises'
import type { Message, Producer } from 'kafkajs'
import { createPricePublisher } from '../../index.ts'
import { pairKey } from '../../schemas/topics.ts'
import { javaProduceRate } from '../anchors/java-produce-rate.ts'
import type { Bench, Figure } from '../harness/bench.ts'
import { contest } from '../harness/contest.ts'
import { quantile } from '../harness/quantile.ts'
import { withRawProducer } from '../stages/raw-kafka.ts'
import type { Stage } from '../stages/stage.ts'
import { PARTITIONS, partitionAt, updateAt } from '../traffic/price-feed.ts'

/**
 * How many updates a second a publisher gets acknowledged by all in-sync replicas. Every side but Java's makes the
 * updates, turns them into JSON and keys them alike.
 */
export const produce: Bench = { name: 'produce', cases }

/** A publisher refuses more than 100,000 that are not acknowledged. */
const UNACKNOWLEDGED = 50_000
const ACKS_ALL = -1
const HAND_MADE_BATCH = 500
const HAND_MADE_IN_FLIGHT = 5
const PER_SECOND = 2_000
const RECORD_BYTES = bytesOf(messageAt(0))

async function* cases(stage: Stage): AsyncIterable<Figure> {
  const topic = await stage.topic(PARTITIONS)
  const unit = 'updates/s'
  const updates = stage.amount(300_000, 20_000)
  // More of them, as Java compiles its code during the first second.
  const javaRecords = { topic, records: stage.amount(1_500_000, 60_000), recordBytes: RECORD_BYTES }
  const published = (updatesPerRecord: number) => () => publish(stage, { topic, updates, updatesPerRecord })
  const single = published(1)
  yield* await contest(stage, {
    unit,
    better: 'higher',
    anchor: 'awaited send of one',
    measureAnchor: () => withRawProducer(stage, sendOneByOne(topic, stage.amount(1_500, 200))),
    ours: { 'micro-batched against one at a time': single },
  })
  yield* await contest(stage, {
    unit,
    better: 'higher',
    anchor: 'send of 500, five in flight',
    measureAnchor: () => withRawProducer(stage, sendByHand(topic, updates)),
    ours: { 'micro-batched against hand-made batches': single, 'the same, 100 updates a record': published(100) },
    others: {
      'micro-batched against Java’s producer': {
        anchor: 'kafka-producer-perf-test, linger 5 ms',
        measureAnchor: () => javaProduceRate(stage, javaRecords),
        ours: single,
      },
    },
  })
  yield* await contest(stage, {
    unit: 'ms',
    better: 'lower',
    anchor: 'send of each',
    measureAnchor: () => withRawProducer(stage, sendEach(stage, topic)),
    ours: { 'p99 of an acknowledgement at 2,000/s': () => publishEach(stage, topic) },
  })
}

interface Published {
  readonly topic: string
  readonly updates: number
  readonly updatesPerRecord: number
}

async function publish(stage: Stage, { topic, updates, updatesPerRecord }: Published): Promise<number> {
  const { broker } = await stage.backends()
  const producer = broker.producer()
  await producer.connect()
  const publisher = createPricePublisher({ producer, topic, partitions: PARTITIONS, updatesPerRecord })
  const rate = await timed(updates, async () => {
    let acknowledged: Promise<void>[] = []
    for (let i = 0; i < updates; i++) {
      acknowledged.push(publisher.produce(updateAt(i, Date.now())))
      if (acknowledged.length < UNACKNOWLEDGED) continue
      await Promise.all(acknowledged)
      acknowledged = []
    }
    await publisher.flush()
    await Promise.all(acknowledged)
  })
  await publisher.close()
  await producer.close()
  return rate
}

async function publishEach(stage: Stage, topic: string): Promise<number> {
  const { broker } = await stage.backends()
  const producer = broker.producer()
  await producer.connect()
  const publisher = createPricePublisher({ producer, topic, partitions: PARTITIONS })
  const p99Ms = await acknowledgedWithin(stage, (index) => publisher.produce(updateAt(index, Date.now())))
  await publisher.close()
  await producer.close()
  return p99Ms
}

function sendEach(stage: Stage, topic: string) {
  return (producer: Producer): Promise<number> =>
    acknowledgedWithin(stage, (index) => producer.send({ topic, acks: ACKS_ALL, messages: [messageAt(index)] }))
}

/** The p99 at a steady rate, from when an update is due until it is acknowledged. None waits for another. */
async function acknowledgedWithin(stage: Stage, send: (index: number) => Promise<unknown>): Promise<number> {
  const samples = new Float64Array(PER_SECOND * stage.amount(5, 0.5))
  const startMs = performance.now()
  const sent: Promise<void>[] = []
  while (sent.length < samples.length) {
    const due = Math.min(samples.length, ((performance.now() - startMs) / 1000) * PER_SECOND)
    while (sent.length < due) {
      const index = sent.length
      const dueMs = startMs + (index * 1000) / PER_SECOND
      const noted = send(index).then(() => {
        samples[index] = performance.now() - dueMs
      })
      sent.push(noted)
    }
    await pause(1)
  }
  await Promise.all(sent)
  return quantile([...samples], 0.99)
}

function sendOneByOne(topic: string, updates: number) {
  return (producer: Producer): Promise<number> =>
    timed(updates, async () => {
      for (let i = 0; i < updates; i++) await producer.send({ topic, acks: ACKS_ALL, messages: [messageAt(i)] })
    })
}

function sendByHand(topic: string, updates: number) {
  return (producer: Producer): Promise<number> =>
    timed(updates, async () => {
      const inFlight = new Set<Promise<unknown>>()
      for (let from = 0; from < updates; from += HAND_MADE_BATCH) {
        const length = Math.min(HAND_MADE_BATCH, updates - from)
        const messages = Array.from({ length }, (_, i) => messageAt(from + i))
        const sent = producer.send({ topic, acks: ACKS_ALL, messages }).finally(() => inFlight.delete(sent))
        inFlight.add(sent)
        if (inFlight.size >= HAND_MADE_IN_FLIGHT) await Promise.race(inFlight)
      }
      await Promise.all(inFlight)
    })
}

function messageAt(index: number): Message {
  const update = updateAt(index, Date.now())
  return { partition: partitionAt(index), key: pairKey(update.chain, update.pair), value: JSON.stringify(update) }
}

function bytesOf({ key, value }: Message): number {
  return `${key}${value}`.length
}

/** Updates a second. */
async function timed(updates: number, work: () => Promise<void>): Promise<number> {
  const startMs = performance.now()
  await work()
  return (updates * 1000) / (performance.now() - startMs)
}
