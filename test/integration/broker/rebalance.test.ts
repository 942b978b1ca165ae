import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import kafkajs from 'kafkajs'
import { createKafkaBroker } from '../../../src/broker/kafka/broker.ts'
import type { BatchHandler } from '../../../src/broker/port.ts'
import {
  committedOffsets,
  newGate,
  newGroup,
  newReader,
  newTopic,
  numbered,
  type Reader,
  records,
  type Stage,
  setStage,
  startReader,
  untilSeen,
} from '../../broker/conformance/stage.ts'
import { kafkaBrokers, uniqueName } from '../../harness/kafka.ts'
import { until } from '../../harness/until.ts'

/** A busy machine delays a heartbeat or its answer by less. */
const SESSION_MS = 3_000
const STUCK_MS = 1_500

let stage: Stage

beforeEach(async () => {
  stage = await setStage(
    createKafkaBroker({
      brokers: kafkaBrokers(),
      clientId: uniqueName('rebalance'),
      sessionTimeoutMs: SESSION_MS,
      heartbeatIntervalMs: 50,
      stuckAfterMs: STUCK_MS,
    }),
  )
})

afterEach(() => stage.broker.close())

test('a member without records leaves its group before its close times out', async () => {
  const timing = { sessionTimeoutMs: 300_000, rebalanceTimeoutMs: 300_000, closeTimeoutMs: 10_000 }
  const clientId = uniqueName('farewell')
  const patient = await setStage(createKafkaBroker({ brokers: kafkaBrokers(), clientId, ...timing }))
  try {
    const topic = await newTopic(patient)
    const groupId = newGroup()
    const first = await startReader(patient, { topics: [topic], groupId })
    await first.consumer.stop()
    // The join would wait for the first one, if it were still a member, until its session or the rebalance timed out.
    const second = await startReader(patient, { topics: [topic], groupId })
    expect(second.consumer.health().assigned).toEqual([{ topic, partition: 0 }])
  } finally {
    await patient.broker.close()
  }
})

test('members that come and go under load handle every record exactly once', async () => {
  const partitions = 6
  const topic = await newTopic(stage, partitions)
  const groupId = newGroup()
  const done: string[] = []
  const onBatch: BatchHandler = async (batch, { signal, heartbeat }) => {
    for (let index = 0; index < batch.count; index++) {
      if (signal.aborted) return index
      done.push(String(batch.value(index)))
      if (index % 10 !== 9) continue
      await delay(1)
      // On a busy machine the batch takes longer than a batch may take without a heartbeat.
      await heartbeat()
    }
    return batch.count
  }
  const start = () => startReader(stage, { topics: [topic], groupId, onBatch })
  const first = await start()
  let sent = 0
  const send = async (count: number) => {
    const batch = numbered('r', count, sent).map((value, i) => ({ partition: (sent + i) % partitions, value }))
    sent += count
    await stage.producer.sendBatch(topic, batch)
  }
  let isSending = true
  const sending = (async () => {
    while (isSending) {
      // At most as many as a busy machine can handle before the test times out.
      await until('there is room', () => !isSending || sent - done.length < 2_000)
      await send(100)
    }
  })()
  const handled = (count: number) => until(`${count} are handled`, () => done.length >= count)
  await handled(200)
  const second = await start()
  await shared([first, second], partitions)
  await handled(done.length + 300)
  const third = await start()
  await shared([first, second, third], partitions)
  await handled(done.length + 300)
  await second.consumer.stop()
  await shared([first, third], partitions)
  await handled(done.length + 300)
  isSending = false
  await sending
  await handled(sent)
  await Promise.all([first.consumer.stop(), third.consumer.stop()])
  expect(done).toHaveLength(sent)
  expect(new Set(done).size).toBe(sent)
})

test('a stop under load lets nothing be delivered twice', async () => {
  const topic = await newTopic(stage, 3)
  const groupId = newGroup()
  const batch = numbered('r', 6000).map((value, i) => ({ partition: i % 3, value }))
  await stage.producer.sendBatch(topic, batch)
  const done: string[] = []
  const onBatch: BatchHandler = async (each, { signal }) => {
    let index = 0
    for (; index < each.count && !signal.aborted; index++) {
      done.push(String(each.value(index)))
      if (index % 50 === 49) await delay(1)
    }
    return index
  }
  for (const enough of [500, 2000, 4000, 6000]) {
    const reader = await startReader(stage, { topics: [topic], groupId, onBatch })
    await until(`${enough} are handled`, () => done.length >= enough)
    await reader.consumer.stop()
  }
  expect(done).toHaveLength(6000)
  expect(new Set(done).size).toBe(6000)
})

test('a consumer whose batch takes longer than the session keeps its partitions while it makes progress', async () => {
  const topic = await newTopic(stage)
  await stage.producer.sendBatch(topic, records(0, ['slow']))
  const reader = await startReader(stage, {
    topics: [topic],
    onBatch: async (batch, { heartbeat, signal }) => {
      const end = performance.now() + 2 * SESSION_MS
      while (performance.now() < end && !signal.aborted) {
        await delay(100)
        await heartbeat()
      }
      return batch.count
    },
  })
  await until('it is committed', async () => (await committedOffsets(stage, reader.groupId, topic))[0] === 1n)
  expect(reader.values()).toEqual(['slow'])
  expect(reader.consumer.health()).toMatchObject({ epoch: 1, restarts: 0, state: 'running' })
  expect(reader.events.map(({ type }) => type)).toEqual(['rebalance'])
})

test('a batch without progress is reported as stuck once; others take over, and its result is discarded', async () => {
  const topic = await newTopic(stage)
  const groupId = newGroup()
  await stage.producer.sendBatch(topic, records(0, numbered('a', 3)))
  const gate = newGate()
  let isFirst = true
  const stuck = await startReader(stage, {
    topics: [topic],
    groupId,
    onBatch: async (batch) => {
      if (!isFirst) return batch.count
      isFirst = false
      await gate.opened
      return 1
    },
  })
  await untilSeen(stuck, 3)
  const other = newReader(stage, { topics: [topic], groupId })
  const started = other.consumer.start()
  await until('it is reported', () => stuck.events.some(({ type }) => type === 'stuck'))
  await started
  await untilSeen(other, 3)
  const isCommitted = async () => (await committedOffsets(stage, groupId, topic))[0] === 3n
  await until('the other committed', isCommitted)
  gate.open()
  await until('it joined again', () => stuck.consumer.health().epoch > 1 && isRunning(stuck))
  await stage.producer.sendBatch(topic, records(0, ['b']))
  await until('the next is handled', () => stuck.seen.length + other.seen.length === 7)
  expect([...stuck.values(), ...other.values()].filter((value) => value === 'b')).toEqual(['b'])
  expect(stuck.events.filter(({ type }) => type === 'stuck')).toMatchObject([{ topic, partition: 0, groupId }])
  expect(await isCommittedAt(groupId, topic)).toBe(true)
})

test('an old assignment hands out nothing more, and its partitions never have two handlers', async () => {
  const topic = await newTopic(stage, 4)
  const groupId = newGroup()
  const busy = new Set<number>()
  const overlaps: number[] = []
  const epochs = new Map<string, number>()
  const member = (name: string) =>
    newReader(stage, {
      topics: [topic],
      groupId,
      onAssigned: (partitions, epoch) => {
        for (const { partition } of partitions) epochs.set(`${name}/${partition}`, epoch)
      },
      onRevoked: (partitions) => {
        for (const { partition } of partitions) epochs.delete(`${name}/${partition}`)
      },
      onBatch: async (batch) => {
        if (busy.has(batch.partition) || !epochs.has(`${name}/${batch.partition}`)) overlaps.push(batch.partition)
        busy.add(batch.partition)
        await delay(2)
        busy.delete(batch.partition)
        return batch.count
      },
    })
  const members = ['a', 'b', 'c'].map(member)
  let sent = 0
  const send = async () => {
    await stage.producer.sendBatch(
      topic,
      [0, 1, 2, 3].map((partition) => ({ partition, value: `${sent}` })),
    )
    sent += 4
  }
  for (const { consumer } of members) {
    await Promise.all([consumer.start(), send(), send(), send()])
    await send()
  }
  for (const { consumer } of members.slice(1)) {
    await Promise.all([consumer.stop(), send(), send()])
    await send()
  }
  const total = () => members.reduce((sum, { seen }) => sum + seen.length, 0)
  await until('all are handled', () => total() >= sent)
  expect(overlaps).toEqual([])
  expect(total()).toBe(sent)
})

test('a consumer hands out one batch of a partition at a time, and other partitions do not wait for it', async () => {
  const topic = await newTopic(stage, 6)
  const all = Array.from({ length: 600 }, (_, i) => ({ partition: i % 6, value: `${i}` }))
  await stage.producer.sendBatch(topic, all)
  const inHand = new Map<number, number>()
  let most = 0
  let together = 0
  const reader = await startReader(stage, {
    topics: [topic],
    onBatch: async (batch) => {
      inHand.set(batch.partition, (inHand.get(batch.partition) ?? 0) + 1)
      most = Math.max(most, ...inHand.values())
      together = Math.max(
        together,
        [...inHand.values()].reduce((sum, each) => sum + each),
      )
      await delay(1)
      inHand.set(batch.partition, (inHand.get(batch.partition) ?? 0) - 1)
      return batch.count
    },
  })
  await untilSeen(reader, 600)
  expect([most, together > 1]).toEqual([1, true])
})

test('a member with another assigner, which would split chains, is kept out of the group', async () => {
  const topics = [await newTopic(stage, 3), await newTopic(stage, 3)]
  const groupId = newGroup()
  const reader = await startReader(stage, { topics, groupId })
  const { NOTHING } = kafkajs.logLevel
  const raw = new kafkajs.Kafka({ brokers: kafkaBrokers(), logLevel: NOTHING, retry: { retries: 5 } })
  const stranger = raw.consumer({ groupId, retry: { retries: 0, restartOnFailure: async () => false } })
  await stranger.connect()
  await stranger.subscribe({ topics })
  const crashed = new Promise<Error>((resolve) => {
    stranger.on(stranger.events.CRASH, ({ payload }) => resolve(payload.error))
  })
  await stranger.run({ eachBatch: async () => undefined })
  expect(String(await crashed)).toContain('protocols are incompatible')
  await stranger.disconnect()
  expect(reader.consumer.health()).toMatchObject({ state: 'running', epoch: 1 })
})

function isRunning({ consumer }: Reader): boolean {
  return consumer.health().state === 'running'
}

async function isCommittedAt(groupId: string, topic: string): Promise<boolean> {
  return until('the end is committed', async () => (await committedOffsets(stage, groupId, topic))[0] === 4n)
}

async function shared(members: readonly Reader[], partitions: number): Promise<void> {
  await until(`${members.length} members share ${partitions} partitions`, () => {
    const sizes = members.map(({ consumer }) => consumer.health().assigned.length)
    const total = sizes.reduce((sum, size) => sum + size, 0)
    return members.every(isRunning) && total === partitions && Math.min(...sizes) > 0
  })
}
