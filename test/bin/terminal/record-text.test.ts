import { expect, test } from '@jest/globals'
import { recordText } from '../../../bin/terminal/record-text.ts'
import { encodeLeader, leaderKey } from '../../../schemas/correlations/leader-record.ts'

test('a record of what was learned is shown with the pairs that follow its own', () => {
  const none = { follow: [], hits: [], trials: [], lifts: [], zs: [], agoSeconds: [] }
  const value = encodeLeader({ v: 1, by: 'a', asOfMs: 1, pairs: ['B', 'C'], lagsMs: [0, 0], rates: [1, 1], ...none })
  const place = { topic: 'correlations', partition: 0, offset: 0n, timestampMs: 0, headers: [] }
  const key = Buffer.from(leaderKey('mine', { chain: 'e', pair: 'A' }))
  expect(recordText({ ...place, key, value: Buffer.from(value) })).toEqual([
    '1970-01-01T00:00:00.000Z  e  A  followed by B, C  service mine',
  ])
})
