import { expect, test } from '@jest/globals'
import { lineOf } from '../../bin/kafka.ts'
import type { BrokerEvent } from '../../src/broker/port.ts'

test('a command tells why Kafka is gone, and that records may be stored twice', () => {
  const reason = 'Cluster authorization failed'
  const events: BrokerEvent[] = [
    { type: 'disconnected', reason },
    { type: 'restart', groupId: 'g', attempt: 1, delayMs: 0, reason },
    { type: 'not-idempotent', reason },
    { type: 'reconnected' },
  ]
  expect(events.map(lineOf)).toEqual([
    `kafka: ${reason}`,
    `kafka: ${reason}`,
    `kafka: records may be stored twice, as this user may not number them: ${reason}`,
    undefined,
  ])
})
