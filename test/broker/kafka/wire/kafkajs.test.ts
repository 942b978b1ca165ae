import { expect, test } from '@jest/globals'
import { errorOfCode } from '../../../../src/broker/kafka/wire/kafkajs.ts'

test.each([
  [88, 'UNSTABLE_OFFSET_COMMIT', true],
  [89, 'THROTTLING_QUOTA_EXCEEDED', true],
  [90, 'PRODUCER_FENCED', false],
  [99, 'POSITION_OUT_OF_RANGE', false],
  [100, 'UNKNOWN_TOPIC_ID', true],
  [103, 'INCONSISTENT_TOPIC_ID', true],
  [106, 'FETCH_SESSION_TOPIC_ID_ERROR', true],
  [110, 'FENCED_MEMBER_EPOCH', false],
  [120, 'TRANSACTION_ABORTABLE', false],
  [133, 'SHARE_SESSION_LIMIT_REACHED', true],
])('the error of code %i has the name %s and is retriable: %s', (code, type, retriable) => {
  expect(errorOfCode(code)).toMatchObject({ name: 'KafkaJSProtocolError', code, type, retriable })
})

test('the message of an error that KafkaJS does not know has its name and code', () => {
  expect(errorOfCode(91).message).toBe('RESOURCE_NOT_FOUND (error code 91)')
})

test('a code that Kafka 4.1 does not have is an unknown one that is not retriable', () => {
  expect(errorOfCode(134)).toMatchObject({ type: 'KAFKAJS_UNKNOWN_ERROR_CODE', retriable: false })
})
