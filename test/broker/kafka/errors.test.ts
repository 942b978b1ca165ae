import { expect, test } from '@jest/globals'
import kafkajs from 'kafkajs'
import { protocolType, toBrokerError } from '../../../src/broker/kafka/errors.ts'
import { BrokerError } from '../../../src/broker/port.ts'

const protocol = (type: string, retriable = false) =>
  Object.assign(new kafkajs.KafkaJSProtocolError(new Error(`it said ${type}`)), { type, retriable })

test.each([
  ['UNKNOWN_TOPIC_OR_PARTITION', 'unknown-topic', true],
  ['MESSAGE_TOO_LARGE', 'too-large', false],
  ['SASL_AUTHENTICATION_FAILED', 'not-authorized', false],
  ['NOT_LEADER_FOR_PARTITION', 'unreachable', true],
  ['NOT_ENOUGH_REPLICAS', 'unreachable', true],
  ['INVALID_PARTITIONS', 'refused', false],
  ['NON_EMPTY_GROUP', 'refused', true],
  ['SOMETHING_NEW', 'failed', false],
] as const)('%s becomes a BrokerError with the code %s, retriable %s', (type, code, retriable) => {
  const error = protocol(type)
  expect(toBrokerError(error, 'sending')).toMatchObject({ code, retriable, cause: error })
  expect(toBrokerError(error, 'sending').message).toBe(`sending: it said ${type}`)
})

test.each([
  ['TOPIC_AUTHORIZATION_FAILED', 'not-authorized', 'a right to the topic is missing: DESCRIBE and READ to read it'],
  ['GROUP_AUTHORIZATION_FAILED', 'not-authorized', 'the right to READ this group is missing'],
  ['CLUSTER_AUTHORIZATION_FAILED', 'not-authorized', 'the right to CREATE topics'],
  ['INCONSISTENT_GROUP_PROTOCOL', 'refused', 'need cooperative-sticky in their partition.assignment.strategy'],
] as const)('%s becomes a BrokerError with the code %s that names %s', (type, code, remedy) => {
  const error = toBrokerError(protocol(type), 'sending')
  expect(error).toMatchObject({ code, retriable: false })
  expect(error.message.startsWith(`sending: it said ${type} (`)).toBe(true)
  expect(error.message).toContain(remedy)
})

test('the reason is found within what KafkaJS wraps around it', () => {
  const reason = new kafkajs.KafkaJSConnectionError('connect ECONNREFUSED')
  const retried = new kafkajs.KafkaJSNumberOfRetriesExceeded(reason, { retryCount: 5, retryTime: 1 })
  const wrapped = Object.assign(new kafkajs.KafkaJSNonRetriableError('gave up'), { cause: retried })
  expect(toBrokerError(wrapped, 'connecting')).toMatchObject({
    code: 'unreachable',
    retriable: true,
    message: 'connecting: connect ECONNREFUSED',
  })
})

test('the first of several errors is taken as the reason', () => {
  const several = new kafkajs.KafkaJSAggregateError('topics', [protocol('INVALID_REPLICATION_FACTOR')])
  expect(toBrokerError(several, 'creating')).toMatchObject({ code: 'refused' })
})

test('a BrokerError is returned as it is', () => {
  const error = new BrokerError('closed', 'closed', { retriable: false })
  expect(toBrokerError(error, 'sending')).toBe(error)
})

test.each([['a string'], [undefined], [null], [7]])(
  'a thrown value that is no error becomes a BrokerError: %s',
  (thrown) => {
    expect(toBrokerError(thrown, 'reading')).toMatchObject({ code: 'failed', message: `reading: ${thrown}` })
  },
)

test('an error that is its own cause becomes a BrokerError', () => {
  const error = new Error('round')
  error.cause = error
  expect(toBrokerError(error, 'reading').code).toBe('failed')
})

test('protocolType is the name of the innermost protocol error', () => {
  expect(protocolType(new Error('outer', { cause: protocol('GROUP_ID_NOT_FOUND') }))).toBe('GROUP_ID_NOT_FOUND')
  expect(protocolType(new Error('none'))).toBeUndefined()
})
