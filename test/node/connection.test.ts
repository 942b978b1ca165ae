import { Writable } from 'node:stream'
import { expect, test } from '@jest/globals'
import { connectionTeller } from '../../node/connection.ts'
import { createLog } from '../../src/telemetry/log.ts'

test('a node logs once that Kafka is gone, once that it is back, and once that records may be stored twice', () => {
  const lines: Record<string, unknown>[] = []
  const stream = new Writable({
    write: (chunk, _, done) => {
      lines.push(JSON.parse(String(chunk)))
      done()
    },
  })
  const tell = connectionTeller(createLog({ service: 'test', version: '0', stream }))
  for (let clients = 0; clients < 3; clients++) tell({ type: 'disconnected', reason: 'refused' })
  for (let clients = 0; clients < 3; clients++) tell({ type: 'reconnected' })
  for (let clients = 0; clients < 3; clients++) tell({ type: 'not-idempotent', reason: 'not authorized' })
  expect(lines.map(({ level, msg, reason }) => [level, msg, reason])).toEqual([
    ['warn', 'Kafka is gone: trying again', 'refused'],
    ['info', 'Kafka is back', undefined],
    ['warn', 'Kafka may store records twice, as this user may not number them', 'not authorized'],
  ])
})
