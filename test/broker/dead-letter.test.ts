import { expect, test } from '@jest/globals'
import { letterOrigin } from '../../src/broker/dead-letter.ts'

const LETTER = [
  ['kafka_dlt-original-topic', Buffer.from('prices')],
  ['kafka_dlt-original-partition', Buffer.from([0, 0, 0, 7])],
  ['kafka_dlt-original-offset', Buffer.from([0, 0, 1, 0, 0, 0, 0, 1])],
] as const

test('the origin of a letter of another program is read, whose reason is its exception', () => {
  const exception = ['kafka_dlt-exception-fqcn', Buffer.from('java.lang.Error')] as const
  expect(letterOrigin([...LETTER, exception])).toEqual({
    ...{ reason: 'java.lang.Error', detail: '', topic: 'prices', partition: 7, offset: 2n ** 40n + 1n, timestampMs: 0 },
  })
})

test('of a letter that was refused twice, the last refusal counts', () => {
  const again = [...LETTER, ['kafka_dlt-original-topic', Buffer.from('prices.dlq')]] as const
  expect(letterOrigin(again)?.topic).toBe('prices.dlq')
})

test('a record without these headers, or with damaged ones, is no letter', () => {
  expect(letterOrigin([])).toBeUndefined()
  expect(letterOrigin([...LETTER.slice(0, 2), ['kafka_dlt-original-offset', Buffer.from('12')]])).toBeUndefined()
})
