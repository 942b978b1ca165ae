import { expect, test } from '@jest/globals'
import { pairKey } from '../../schemas/topics.ts'
import type { Headers } from '../../src/broker/port.ts'
import { contentOf } from '../../src/replay/content.ts'
import { ConsumerStage } from '../consumers/price-updates-stage.ts'

const REGISTRY: Headers = [['__value_schema_id', Buffer.from('a schema')]]
const KEY = Buffer.from(pairKey('e', 'A'))

test.each<readonly [what: string, reason: string, key?: Buffer, value?: Buffer, headers?: Headers]>([
  ['a tombstone without a key', 'bad-key'],
  ['a tombstone of three parts', 'bad-name', Buffer.from('e\0A\0x')],
  ['a tombstone without a pair', 'bad-key', Buffer.from('e')],
  ['a tombstone with an empty pair', 'bad-key', Buffer.from('e\0')],
  ['a tombstone with an empty chain', 'bad-key', Buffer.from('\0A')],
  ['a tombstone with a long pair', 'name-too-long', Buffer.from(pairKey('e', 'x'.repeat(257)))],
  ['a tombstone with a long chain', 'name-too-long', Buffer.from(pairKey('x'.repeat(65), 'A'))],
  ['a tombstone with a key that is no UTF-8', 'bad-key', Buffer.from([0xff, 0x00, 0xfe])],
  ['a value of no bytes', 'empty', KEY, Buffer.alloc(0)],
  ['a value of a schema registry', 'unknown-schema', KEY, Buffer.from('x'), REGISTRY],
])('the tools refuse %s for the reason that a node gives: %s', async (_, reason, ...[key, value, headers = []]) => {
  expect(contentOf({ topic: 'prices', partition: 0, offset: 0n, timestampMs: 0, key, value, headers })).toEqual({
    kind: 'other',
    reason,
  })
  const node = new ConsumerStage()
  const texts = headers.map(([name, bytes]) => [name, bytes.toString()] as const)
  await node.handle({ value: value ?? null, headers: texts, ...(key !== undefined && { key }) })
  expect([node.reasons, node.caches.count('pairs_delisted_total')]).toEqual([[[0, reason]], 0])
})
