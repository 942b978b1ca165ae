import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'

/**
 * These ports are below the range from which Linux and macOS take the ports of outgoing connections. Otherwise a client
 * that redials a killed broker could get the broker's port, connect to itself, and keep the broker from coming back.
 */
const LOWEST = 20_000
const HIGHEST = 32_767

/**
 * One free port of 127.0.0.1 for each wish: the wished port if it is free, otherwise any. All are held until the last
 * is found, so no two are the same. Ports that were not wished for are reserved until this process ends: no other
 * process is allotted them, neither before a server listens on them nor while that server is away.
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
    await Promise.all(held.map((server) => server[Symbol.asyncDispose]()))
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
 * Binding the UDP port reserves the TCP port of the same number: nothing here uses UDP, and every process that allots
 * ports binds it first. The system releases it when the process ends, however that happens.
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
