import { expect, test } from '@jest/globals'
import { decoded, recordText } from '../../../bin/terminal/record-text.ts'
import { encodeLeader, leaderKey } from '../../../schemas/correlations/leader-record.ts'
import { encodePriceJson } from '../../../schemas/price-json.ts'

test('a record of what was learned is shown with the pairs that follow its own', () => {
  const none = { follow: [], hits: [], trials: [], lifts: [], zs: [], agoSeconds: [] }
  const value = encodeLeader({ v: 1, by: 'a', asOfMs: 1, pairs: ['B', 'C'], lagsMs: [0, 0], rates: [1, 1], ...none })
  const place = { topic: 'correlations', partition: 0, offset: 0n, timestampMs: 0, headers: [] }
  const key = Buffer.from(leaderKey('mine', { chain: 'e', pair: 'A' }))
  expect(recordText({ ...place, key, value: Buffer.from(value) })).toEqual([
    '1970-01-01T00:00:00.000Z  e  A  followed by B, C  service mine',
  ])
})

test('a record that deletes what was learned of a pair says so', () => {
  const place = { topic: 'correlations', partition: 0, offset: 0n, timestampMs: 0, headers: [], value: undefined }
  const key = Buffer.from(leaderKey('mine', { chain: 'e', pair: 'A' }))
  expect(recordText({ ...place, key })).toEqual(['1970-01-01T00:00:00.000Z  e  A  forgotten  service mine'])
  expect(decoded({ ...place, key })).toMatchObject({ kind: 'forgotten', service: 'mine', leader: { pair: 'A' } })
})

test('a record with control characters in its names is shown in one line that does nothing to a terminal', () => {
  const value = encodePriceJson({ chain: 'e', pair: 'A\u001b[2J\n\u009b', price: 1, eventTimeMs: 1e12 })
  const place = { topic: 'prices', partition: 0, offset: 0n, timestampMs: 0, headers: [], key: undefined }
  expect(recordText({ ...place, value: Buffer.from(value) })).toEqual([
    '2001-09-09T01:46:40.000Z  e  A\\u001b[2J\\u000a\\u009b  1',
  ])
})
