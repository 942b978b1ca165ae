import { describe, expect, test } from '@jest/globals'
import { createKafkaBroker } from '../../src/broker/kafka/broker.ts'
import { createMemoryBroker } from '../../src/broker/memory/broker.ts'
import type { BatchHandler, Broker, Consumer } from '../../src/broker/port.ts'
import { settled } from '../harness/manual-timer.ts'
import { newGate } from './conformance/stage.ts'

function consumerOf(broker: Broker, onBatch: BatchHandler = async (batch) => batch.count): Consumer {
  return broker.consumer({ mode: 'group', groupId: 'g', topics: ['t'], start: { at: 'earliest' }, onBatch })
}

describe.each([
  // Nobody listens at this address, but no test here connects.
  ['Kafka', () => createKafkaBroker({ brokers: ['127.0.0.1:1'], clientId: 'test' })],
  ['memory', () => createMemoryBroker()],
] as const)('a %s broker that closes', (_, createBroker) => {
  test('does not close again what was closed before', async () => {
    const broker = createBroker()
    const [consumer, producer, admin] = [consumerOf(broker), broker.producer(), broker.admin()]
    await Promise.all([consumer.stop(), producer.close(), admin.close()])
    const again: string[] = []
    consumer.stop = async () => void again.push('consumer')
    producer.close = async () => void again.push('producer')
    admin.close = async () => void again.push('admin')
    broker.admin()
    await broker.close()
    expect(again).toEqual([])
  })

  test('closes what it handed out, the last first', async () => {
    const broker = createBroker()
    const closed: string[] = []
    const [consumer, producer, admin] = [consumerOf(broker), broker.producer(), broker.admin()]
    consumer.stop = async () => void closed.push('consumer')
    producer.close = async () => void closed.push('producer')
    admin.close = async () => void closed.push('admin')
    await broker.close()
    expect(closed).toEqual(['admin', 'producer', 'consumer'])
  })
})

test('a broker that closes waits for a consumer that is still stopping, even if it handed out an admin since', async () => {
  const broker = createMemoryBroker({ partitions: { t: 1 } })
  const [inHand, done] = [newGate(), newGate()]
  const consumer = consumerOf(broker, async (batch) => {
    inHand.open()
    await done.opened
    return batch.count
  })
  const producer = broker.producer()
  await Promise.all([consumer.start(), producer.connect()])
  await producer.sendBatch('t', [{ partition: 0, value: 'a' }])
  await inHand.opened
  await producer.close()
  void consumer.stop()
  broker.admin()
  let isClosed = false
  const closing = broker.close().then(() => {
    isClosed = true
  })
  await settled()
  expect(isClosed).toBe(false)
  done.open()
  await closing
})

test('a broker that is closed hands out nothing more', async () => {
  const broker = createMemoryBroker()
  await broker.close()
  for (const make of [() => broker.producer(), () => broker.admin()])
    expect(make).toThrow(expect.objectContaining({ name: 'BrokerError', code: 'closed' }))
})
