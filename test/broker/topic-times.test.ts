import { expect, test } from '@jest/globals'
import { type Admin, BrokerError } from '../../src/broker/port.ts'
import { expiryText, isExpiring, refusalOf, timeLimitsOf } from '../../src/broker/topic-times.ts'

const NO = Number.POSITIVE_INFINITY
const UNLIMITED = { topic: 'prices', maxAheadMs: NO, maxBehindMs: NO, retentionMs: NO }
const AHEAD = 'message.timestamp.after.max.ms'
const BEHIND = 'message.timestamp.before.max.ms'
const BEFORE_36 = 'message.timestamp.difference.max.ms'

test.each([
  [
    'those of its settings',
    { [AHEAD]: '3600000', [BEHIND]: '7200000', 'retention.ms': '1000' },
    { maxAheadMs: 3_600_000, maxBehindMs: 7_200_000, retentionMs: 1_000 },
  ],
  ['none where it keeps records for ever', { 'retention.ms': '-1' }, {}],
  ['none where it has no such settings', {}, {}],
  ['that of an older Kafka', { [BEFORE_36]: '500' }, { maxAheadMs: 500, maxBehindMs: 500 }],
  [
    'none where it stamps records itself',
    { 'message.timestamp.type': 'LogAppendTime', [AHEAD]: '5', 'retention.ms': '5' },
    {},
  ],
])('the limits of a topic for times are %s', async (_, config, limits) => {
  const admin = { topicConfig: async () => new Map(Object.entries(config)) } as unknown as Admin
  expect(await timeLimitsOf(admin, 'prices')).toEqual({ ...UNLIMITED, ...limits })
})

test('the limits of a topic whose settings the user may not see are taken for none', async () => {
  const failing = (code: BrokerError['code']) =>
    ({ topicConfig: () => Promise.reject(new BrokerError(code, 'no', { retriable: false })) }) as unknown as Admin
  expect(await timeLimitsOf(failing('not-authorized'), 'prices')).toEqual(UNLIMITED)
  await expect(timeLimitsOf(failing('unreachable'), 'prices')).rejects.toMatchObject({ code: 'unreachable' })
})

test('a record is refused beyond the time that its topic takes, and expires beyond that for which it is kept', () => {
  const limits = { topic: 'prices', maxAheadMs: 1_000, maxBehindMs: 4_000, retentionMs: 2_000 }
  const at = (timestampMs: number) => ({ timestampMs, atMs: 10_000 })
  expect(refusalOf(limits, at(11_000))).toBeUndefined()
  expect(refusalOf(limits, at(13_000))).toBe(
    'a record of 1970-01-01T00:00:13.000Z is 3 s ahead of the clock, and the broker of prices takes at most 1 s (message.timestamp.after.max.ms)',
  )
  expect(refusalOf(limits, at(6_000))).toBeUndefined()
  expect(refusalOf(limits, at(5_000))).toBe(
    'a record of 1970-01-01T00:00:05.000Z is 5 s behind the clock, and the broker of prices takes at most 4 s (message.timestamp.before.max.ms)',
  )
  expect([isExpiring(limits, at(8_000)), isExpiring(limits, at(7_999))]).toEqual([false, true])
  expect(expiryText(limits, at(7_000))).toBe(
    'a record of 1970-01-01T00:00:07.000Z is older than prices keeps records, 2 s (retention.ms): it will be deleted at once',
  )
})
