import { createServer, type Server } from 'node:net'
import { isLoopback } from '../config/loopback.ts'
import { ForewarmError } from '../forewarm-error.ts'
import { createApp } from './app.ts'
import { Door } from './connections/door.ts'
import { Handshakes } from './connections/handshakes.ts'
import { LIMITS, type Limits } from './connections/limits.ts'
import { listenError, portUnusable } from './connections/port-unusable.ts'
import { secured, type Tls } from './connections/tls.ts'
import type { Operations } from './operations.ts'
import { routesOf } from './routes.ts'

export interface HttpOptions {
  readonly host: string
  /** 0 takes a free port. */
  readonly port: number
  /** May read and operate. Needed on any address but a loopback address. */
  readonly token?: string | undefined
  /** May only read. */
  readonly readToken?: string | undefined
  /** With it the server speaks HTTPS alone. */
  readonly tls?: Tls | undefined
  readonly metricsAuth?: boolean
  readonly metricsEnabled?: boolean
  readonly operations: Operations
  /** In place of LIMITS. */
  readonly limits?: Partial<Limits>
  /** Gets the error of a request that failed; the caller only learns that it failed. */
  readonly onError?: (error: unknown, requestId: string | undefined) => void
}

export interface HttpServer {
  /** Resolves when the port is open. Rejects with a ForewarmError: 'port-unusable', or 'closed' after `close`. */
  start(): Promise<{ readonly port: number }>
  /** Whether callers wait, or have a moment ago. */
  readonly isAsked: boolean
  /** Closes every connection, answered or not. May be called twice. */
  close(): Promise<void>
}

/** What a connection may have received beyond the chunk that it holds. */
const RECEIVED_BYTES = 4 * 1024
const SWEEP_MS = 500

export function createHttpServer(options: HttpOptions): HttpServer {
  const loopback = isLoopback(options.host)
  let started: Promise<Listening> | undefined
  let closed: Promise<void> | undefined
  let listening: Listening | undefined
  return {
    get isAsked() {
      return listening?.isAsked ?? false
    },
    start() {
      if (closed) return Promise.reject(new ForewarmError('closed', 'Expected an open server, received a closed one'))
      if (!loopback && options.token === undefined) {
        const expected = `FOREWARM_TOKEN, as METRICS_HOST ${options.host} can be reached from other machines`
        return Promise.reject(portUnusable(expected, 'none'))
      }
      started ??= open(options).then((opened) => {
        listening = opened
        return opened
      })
      return started.then(({ port }) => ({ port }))
    },
    close() {
      // A failed start was reported to its own caller. Here it only means that nothing listens.
      closed ??= Promise.resolve(started)
        .catch(() => undefined)
        .then(() => listening?.close())
      return closed
    },
  }
}

interface Listening {
  readonly port: number
  readonly isAsked: boolean
  close(): Promise<void>
}

async function open(options: HttpOptions): Promise<Listening> {
  const { host, onError = () => {}, metricsAuth = false, metricsEnabled = true, operations } = options
  const { token, readToken, tls } = options
  const secure = tls && secured(tls, RECEIVED_BYTES)
  const limits = { ...LIMITS, ...options.limits }
  const rule = { openHere: isLoopback(host), token, readToken, metricsAuth }
  const routes = routesOf(operations, metricsEnabled)
  const app = await createApp({ names: { listenHost: host, isNamed: secure?.isNamed }, rule, limits, routes, onError })
  const door = new Door(app.server, limits)
  const handshakes = secure && new Handshakes((socket) => door.admit(secure.over(socket)), limits.connections)
  const server = createServer({ allowHalfOpen: true, noDelay: true, highWaterMark: RECEIVED_BYTES }, (socket) =>
    handshakes === undefined ? door.admit(socket) : handshakes.add(socket),
  )
  const port = await listen(server, { host, port: options.port, onError })
  const sweep = setInterval(() => door.closeLate(), SWEEP_MS).unref()
  return {
    port,
    get isAsked() {
      return door.isAsked
    },
    async close() {
      clearInterval(sweep)
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
        handshakes?.closeAll()
        door.closeAll()
      })
      await app.close()
    },
  }
}

function listen(
  server: Server,
  { host, port, onError }: Required<Pick<HttpOptions, 'host' | 'port' | 'onError'>>,
): Promise<number> {
  return new Promise((resolve, reject) => {
    server.on('error', (error) => {
      // A later error means that a connection could not be accepted because no file descriptor was left.
      if (server.listening) onError(error, undefined)
      else reject(listenError(error, `${host}:${port}`))
    })
    server.listen({ host, port }, () => {
      const address = server.address()
      resolve(address !== null && typeof address === 'object' ? address.port : port)
    })
  })
}
