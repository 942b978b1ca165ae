import { expect, test } from '@jest/globals'
import { settlesWithin } from '../../src/broker/deadline.ts'

test('settlesWithin tells a promise that resolves or rejects in time from one that hangs', async () => {
  expect(await settlesWithin(Promise.resolve(), 60_000)).toBe(true)
  expect(await settlesWithin(Promise.reject(new Error('gone')), 60_000)).toBe(true)
  expect(await settlesWithin(new Promise(() => undefined), 1)).toBe(false)
})
