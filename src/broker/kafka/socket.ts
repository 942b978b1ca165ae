import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { ISocketFactory } from 'kafkajs'

const KEEP_ALIVE_MS = 60_000

/** The sockets of one KafkaJS client, without Nagle's delay. `destroyAll` ends those that KafkaJS leaves open. */
export interface Sockets {
  readonly factory: ISocketFactory
  readonly count: number
  /** Fails their requests in flight, and every later attempt to connect. */
  destroyAll(): void
}

/**
 * KafkaJS leaves Nagle's algorithm on, so a small request may wait for the acknowledgement of the one before it (up to
 * 40 ms on Linux).
 */
export function createSockets(): Sockets {
  const sockets = new Set<Socket>()
  let destroyed = false
  return {
    factory: ({ host, port, ssl, onConnect }) => {
      const servername = isIP(host) === 0 ? { servername: host } : {}
      const socket = ssl
        ? connectTls({ host, port, ...servername, ...ssl }, onConnect)
        : connect({ host, port }, onConnect)
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
