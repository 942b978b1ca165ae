import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { ISocketFactory } from 'kafkajs'

const KEEP_ALIVE_MS = 60_000
/** What the sockets of this thread read into: each reading is copied before the next. */
const RECEIVED = Buffer.allocUnsafeSlow(256 * 1024)

/** The sockets of one client, without Nagle's delay. `destroyAll` ends those that KafkaJS leaves open. */
export interface Sockets {
  readonly factory: ISocketFactory
  readonly count: number
  /** Fails their requests in flight, and every later attempt to connect. */
  destroyAll(): void
}

/**
 * KafkaJS leaves Nagle's algorithm on, so a small request may wait for the acknowledgement of the one before it (up to
 * 40 ms on Linux).
 *
 * With `reusesMemory` whoever gets a socket's data copies it at once: the next data of any socket overwrites it.
 */
export function createSockets({ reusesMemory = false }: { readonly reusesMemory?: boolean } = {}): Sockets {
  const sockets = new Set<Socket>()
  let destroyed = false
  return {
    factory: ({ host, port, ssl, onConnect }) => {
      const servername = isIP(host) === 0 ? { servername: host } : {}
      const onread = { buffer: RECEIVED, callback: (bytes: number) => socket.emit('data', RECEIVED.subarray(0, bytes)) }
      const to = { host, port, ...(reusesMemory && { onread }) }
      const socket: Socket = ssl ? connectTls({ ...to, ...servername, ...ssl }, onConnect) : connect(to, onConnect)
      socket.setNoDelay(true)
      socket.setKeepAlive(true, KEEP_ALIVE_MS)
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
      if (destroyed) socket.destroy(clientClosed())
      return socket
    },
    get count() {
      return sockets.size
    },
    destroyAll: () => {
      destroyed = true
      // KafkaJS does not listen to `close`: without an error its requests would wait for their timeout.
      for (const socket of sockets) socket.destroy(socket.writableEnded ? undefined : clientClosed())
    },
  }
}

function clientClosed(): Error {
  return new Error('this client was closed')
}
