import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { createHttpServer, type HttpOptions, type HttpServer } from '../../src/http/server.ts'
import { OPERATIONS } from './told-operations.ts'

const opened: { close(): unknown }[] = []

/** Closes what a test has opened. */
export async function closeAll(): Promise<void> {
  for (const each of opened.splice(0).reverse()) await each.close()
}

export function created(options: Partial<HttpOptions> = {}): HttpServer {
  const server = createHttpServer({ host: '127.0.0.1', port: 0, operations: OPERATIONS, ...options })
  opened.push(server)
  return server
}

export async function started(options: Partial<HttpOptions> = {}): Promise<number> {
  return (await created(options).start()).port
}

/** A connection that is open when this resolves, from an address of this machine. */
export async function connected(port: number, localAddress = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', localAddress })
  opened.push({ close: () => socket.destroy() })
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

export function pipelined(path: string, requests: number): string {
  return `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`.repeat(requests)
}

/** The status of each answer in what a connection has received. */
export function statuses(received: string): readonly number[] {
  return [...received.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map(([, status]) => Number(status))
}

export async function probe(port: number): Promise<number> {
  return (await fetch(`http://127.0.0.1:${port}/livez`)).status
}
