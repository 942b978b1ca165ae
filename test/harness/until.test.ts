import { expect, test } from '@jest/globals'
import { until } from './until.ts'

test('until resolves to the first truthy value', async () => {
  let asked = 0
  const value = await until('three', () => {
    asked += 1
    return asked < 3 ? undefined : asked
  })
  expect(value).toBe(3)
})

test('until names what it waited for, and the last value, when the time is up', async () => {
  const waiting = until('the lag is zero', async () => 0, { timeoutMs: 1 })
  await expect(waiting).rejects.toThrow('waited 1 ms in vain until the lag is zero; at last: 0')
})

test('until checks a condition that throws again, and rejects with its last error as the cause', async () => {
  const gone = new Error('connection refused')
  const waiting = until('it answers', () => Promise.reject(gone), { timeoutMs: 1 })
  await expect(waiting).rejects.toMatchObject({ cause: gone })
})

test('until checks once more when the time is up, however late that is', async () => {
  let asked = 0
  const isSecond = () => ++asked === 2
  await expect(until('it is asked again', isSecond, { timeoutMs: 1 })).resolves.toBe(true)
})
