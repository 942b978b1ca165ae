import { expect, test } from '@jest/globals'
import { BrokerError, closed } from '../../src/broker/port.ts'

test('a closed error has the given message and is not retriable', () => {
  const error = closed('the admin was closed: make a new one')
  expect(error).toBeInstanceOf(BrokerError)
  expect(error).toMatchObject({ code: 'closed', retriable: false, message: 'the admin was closed: make a new one' })
})
