import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'

/**
 * Below the range that Linux and macOS take the ports of outgoing connections from: a client that redials a broker
 * which a test has killed could otherwise be given that very port, connect to itself, and keep the broker from coming
 * back.
 */
const LOWEST = 20_000
const HIGHEST = 32_767

/**
 * One free port of 127.0.0.1 for each wish: the wished one where nobody listens on it, any other one otherwise. All
 * are held until the last is found, so no two are the same.
 */
export async function allotPorts(wishes: readonly (number | 'any')[]): Promise<number[]> {
  const held: Server[] = []
  const ports: number[] = []
  try {
    for (const wish of wishes) {
      let port = wish === 'any' ? anyPort() : wish
      let server = await listen(port)
      while (server === undefined) {
        port = anyPort()
        server = await listen(port)
      }
      held.push(server)
      ports.push(port)
    }
  } finally {
    await Promise.all(held.map(close))
  }
  return ports
}

function anyPort(): number {
  return randomInt(LOWEST, HIGHEST + 1)
}

async function listen(port: number): Promise<Server | undefined> {
  const server = createServer()
  server.listen({ host: '127.0.0.1', port, exclusive: true })
  try {
    await once(server, 'listening')
    return server
  } catch {
    return undefined
  }
}

async function close(server: Server): Promise<void> {
  server.close()
  await once(server, 'close')
}
