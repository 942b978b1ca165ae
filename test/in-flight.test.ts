import { expect, test } from '@jest/globals'
import { InFlight } from '../src/in-flight.ts'

test('a promise is in flight until it is settled, and its outcome is handed on', async () => {
  const inFlight = new InFlight()
  const { promise, resolve } = Promise.withResolvers<number>()
  const added = inFlight.add(promise)
  const failed = inFlight.add(Promise.reject(new Error('refused')))
  expect(inFlight.size).toBe(2)
  await expect(failed).rejects.toThrow('refused')
  expect(inFlight.size).toBe(1)
  resolve(7)
  expect([await added, inFlight.size]).toEqual([7, 0])
})

test('what is in flight is waited for until all of it is settled, failures too', async () => {
  const inFlight = new InFlight()
  const first = Promise.withResolvers<void>()
  const second = Promise.withResolvers<void>()
  const order: string[] = []
  inFlight.add(first.promise).catch(() => order.push('first'))
  void inFlight.add(second.promise).then(() => order.push('second'))
  const settled = inFlight.settled().then(() => order.push('settled'))
  first.reject(new Error('refused'))
  second.resolve()
  await settled
  expect(order).toEqual(['first', 'second', 'settled'])
})
