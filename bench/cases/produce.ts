import type { Message, Producer } from 'kafkajs'
import { createPricePublisher } from '../../index.ts'
import { pairKey } from '../../schemas/topics.ts'
import type { Bench, Figure } from '../harness/bench.ts'
import { contest } from '../harness/contest.ts'
import { withRawProducer } from '../stages/raw-kafka.ts'
import type { Stage } from '../stages/stage.ts'
import { PARTITIONS, partitionAt, updateAt } from '../traffic/price-feed.ts'

/**
 * How many updates a second a publisher gets acknowledged by all in-sync replicas. Every side makes the updates, turns
 * them into JSON and keys them alike.
 */
export const produce: Bench = { name: 'produce', cases }

/** A publisher refuses more than 100,000 that are not acknowledged. */
const UNACKNOWLEDGED = 50_000
const ACKS_ALL = -1
const HAND_MADE_BATCH = 500
const HAND_MADE_IN_FLIGHT = 5

async function* cases(stage: Stage): AsyncIterable<Figure> {
  const topic = await stage.topic(PARTITIONS)
  const unit = 'updates/s'
  const updates = stage.amount(300_000, 20_000)
  const published = (updatesPerRecord: number) => () => publish(stage, { topic, updates, updatesPerRecord })
  yield* await contest(stage, {
    unit,
    better: 'higher',
    anchor: 'awaited send of one',
    measureAnchor: () => withRawProducer(stage, sendOneByOne(topic, stage.amount(1_500, 200))),
    ours: { 'micro-batched against one at a time': published(1) },
  })
  yield* await contest(stage, {
    unit,
    better: 'higher',
    anchor: 'send of 500, five in flight',
    measureAnchor: () => withRawProducer(stage, sendByHand(topic, updates)),
    ours: { 'micro-batched against hand-made batches': published(1), 'the same, 100 updates a record': published(100) },
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

/** Updates a second. */
async function timed(updates: number, work: () => Promise<void>): Promise<number> {
  const startMs = performance.now()
  await work()
  return (updates * 1000) / (performance.now() - startMs)
}
