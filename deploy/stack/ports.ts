import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
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
 * are held until the last is found, so no two are the same. Any other one stays this process's until it ends: nobody
 * else is allotted it, neither before a server listens on it nor while that server is away.
 */
export async function allotPorts(wishes: readonly (number | 'any')[], anyPort = randomPort): Promise<number[]> {
  const held: Server[] = []
  const ports: number[] = []
  try {
    for (const wish of wishes) {
      let port = wish === 'any' ? anyPort() : wish
      let server = wish === 'any' ? await listenOnOwn(port) : await listen(port)
      while (server === undefined) {
        port = anyPort()
        server = await listenOnOwn(port)
      }
      held.push(server)
      ports.push(port)
    }
  } finally {
    await Promise.all(held.map(close))
  }
  return ports
}

function randomPort(): number {
  return randomInt(LOWEST, HIGHEST + 1)
}

async function listenOnOwn(port: number): Promise<Server | undefined> {
  return (await claim(port)) ? listen(port) : undefined
}

/**
 * UDP has ports of its own, which nothing here uses: who has bound one has claimed the TCP port of that number among
 * all that allot ports, and the system lets go of it when the process ends, however it does.
 */
async function claim(port: number): Promise<boolean> {
  const socket = createSocket('udp4')
  socket.bind({ address: '127.0.0.1', port, exclusive: true })
  try {
    await once(socket, 'listening')
    socket.unref()
    return true
  } catch {
    socket.close()
    return false
  }
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
