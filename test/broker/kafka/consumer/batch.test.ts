import { expect, test } from '@jest/globals'
import type { Batch as KafkaJsBatch } from 'kafkajs'
import { flattenHeaders, gatherHeaders, KafkaBatch } from '../../../../src/broker/kafka/consumer/batch.ts'
import type { Headers } from '../../../../src/broker/port.ts'

const bytes = (text: string) => Buffer.from(text)

test('a batch reads a field of a record only when it is asked for', () => {
  const touched: string[] = []
  const message = {
    get offset() {
      touched.push('offset')
      return '9007199254740993'
    },
    get timestamp() {
      touched.push('timestamp')
      return '1795221408427'
    },
    get key() {
      touched.push('key')
      return null
    },
    get value() {
      touched.push('value')
      return bytes('v')
    },
    attributes: 0,
    headers: {},
  }
  const batch = new KafkaBatch(kafkaJsBatch([message]))
  expect(touched).toEqual([])
  expect(batch.offset(0)).toBe(9_007_199_254_740_993n)
  expect(batch.timestampMs(0)).toBe(1_795_221_408_427)
  expect(batch.key(0)).toBeUndefined()
  expect(batch.value(0)).toEqual(bytes('v'))
  expect(touched).toEqual(['offset', 'timestamp', 'key', 'value'])
})

test('a batch refuses an index that it does not have', () => {
  expect(() => new KafkaBatch(kafkaJsBatch([])).value(0)).toThrow(new RangeError('record 0 of a batch of 0'))
})

test('headers that KafkaJS gathered by name become pairs again', () => {
  const gathered = { trace: [bytes('a'), bytes('b')], origin: bytes('c') }
  expect(flattenHeaders(gathered)).toEqual([
    ['trace', bytes('a')],
    ['trace', bytes('b')],
    ['origin', bytes('c')],
  ])
  expect(flattenHeaders(undefined)).toEqual([])
})

test('a header without a value becomes an empty one', () => {
  expect(flattenHeaders({ empty: undefined })).toEqual([['empty', Buffer.alloc(0)]])
})

test('a header named like a property of every object is kept', () => {
  // KafkaJS decodes one header `constructor: x` like this: it takes the inherited property for the first of two
  // headers.
  const decoded = { constructor: [Object, bytes('x')], other: bytes('y') }
  expect(flattenHeaders(decoded as unknown as Parameters<typeof flattenHeaders>[0])).toEqual([
    ['constructor', bytes('x')],
    ['other', bytes('y')],
  ])
})

test('headers to be sent are gathered by name, whatever the name', () => {
  const headers: Headers = [
    ['a', bytes('1')],
    ['__proto__', bytes('2')],
    ['a', bytes('3')],
    ['a', bytes('4')],
  ]
  expect(Object.entries(gatherHeaders(headers))).toEqual([
    ['a', [bytes('1'), bytes('3'), bytes('4')]],
    ['__proto__', bytes('2')],
  ])
})

function kafkaJsBatch(messages: KafkaJsBatch['messages']): KafkaJsBatch {
  return { topic: 't', partition: 0, highWatermark: '0', messages } as unknown as KafkaJsBatch
}
