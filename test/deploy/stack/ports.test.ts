import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { expect, test } from '@jest/globals'
import { allotPorts } from '../../../deploy/stack/ports.ts'

test('ports that are allotted together differ, and are below those of outgoing connections', async () => {
  const ports = await allotPorts(Array.from({ length: 20 }, () => 'any' as const))
  expect(new Set(ports).size).toBe(20)
  expect(Math.min(...ports)).toBeGreaterThanOrEqual(20_000)
  expect(Math.max(...ports)).toBeLessThan(32_768)
})

test('an allotted port is not allotted again, even while nothing listens on it', async () => {
  const [mine = 0] = await allotPorts(['any'])
  const next = [mine, mine + 1, mine, mine + 2, mine + 3].values()
  const [other] = await allotPorts(['any'], () => next.next().value ?? 0)
  expect(other).toBeGreaterThan(mine)
})

test('a wished port is allotted if it is free, and only once', async () => {
  const [free = 0] = await allotPorts(['any'])
  const [first, second] = await allotPorts([free, free])
  expect(first).toBe(free)
  expect(second).not.toBe(free)
})

test('a wished port on which something listens is not allotted', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const taken = (server.address() as AddressInfo).port
  const [port] = await allotPorts([taken])
  expect(port).not.toBe(taken)
  server.close()
  await once(server, 'close')
})
