import { expect, test } from '@jest/globals'
import { lineOf } from '../../bin/kafka.ts'
import type { BrokerEvent } from '../../src/broker/port.ts'

test('a command tells why Kafka is gone, that it is back, and that records may be stored twice', () => {
  const reason = 'Cluster authorization failed'
  const events: BrokerEvent[] = [
    { type: 'disconnected', reason },
    { type: 'restart', groupId: 'g', attempt: 1, delayMs: 0, reason },
    { type: 'not-idempotent', reason },
    { type: 'reconnected' },
    { type: 'partition', topic: 't', partition: 3, change: 'failing', reason },
    { type: 'topic', topic: 't', change: 'forbidden', partitions: 4 },
    { type: 'stuck', groupId: 'g', topic: 't', partition: 3, ms: 1 },
  ]
  expect(events.map(lineOf)).toEqual([
    `kafka: ${reason}`,
    `kafka: ${reason}`,
    `kafka: records may be stored twice, as this user may not number them: ${reason}`,
    'kafka: reconnected',
    `kafka: partition 3 of t cannot be read: ${reason}`,
    'kafka: topic t cannot be read: the right to DESCRIBE and READ it is missing',
    undefined,
  ])
})
