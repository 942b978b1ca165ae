import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { isLoopback } from '../config/loopback.ts'
import { ForewarmError } from '../forewarm-error.ts'
import { type AccessRule, isFromElsewhere, mayAsk } from './access.ts'
import { bodyOf } from './body.ts'
import type { Operations } from './operations.ts'
import { listenError, portUnusable } from './port-unusable.ts'
import { problem, type Reply } from './reply.ts'
import { answer, type Routes, routesOf } from './routes.ts'

export interface HttpOptions {
  readonly host: string
  /** 0 takes a free port. */
  readonly port: number
  /** Needed on any address but a loopback address. */
  readonly token?: string | undefined
  readonly metricsAuth?: boolean
  readonly metricsEnabled?: boolean
  readonly operations: Operations
  /** Gets the error of a request that failed; the caller only learns that it failed. */
  readonly onError?: (error: unknown) => void
}

export interface HttpServer {
  /** Resolves when the port is open. Rejects with a ForewarmError: 'port-unusable', or 'closed' after `close`. */
  start(): Promise<{ readonly port: number }>
  /** Closes every connection, answered or not. May be called twice. */
  close(): Promise<void>
}

const HEADERS_TIMEOUT_MS = 5_000
const REQUEST_TIMEOUT_MS = 10_000
const MAX_CONNECTIONS = 256

export function createHttpServer(options: HttpOptions): HttpServer {
  const { host, onError = () => {} } = options
  const loopback = isLoopback(host)
  const rule: AccessRule = { token: loopback ? undefined : options.token, metricsAuth: options.metricsAuth ?? false }
  const routes = routesOf(options.operations, options.metricsEnabled ?? true)
  const timeouts = { headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS }
  const server = createServer(timeouts, (request, response) => {
    void reply(request, rule, routes)
      .catch((error: unknown) => {
        onError(error)
        return problem(500, 'The node could not answer; its log says why')
      })
      .then((found) => send(response, found))
  })
  server.maxConnections = MAX_CONNECTIONS

  let started: Promise<{ readonly port: number }> | undefined
  let closed: Promise<void> | undefined
  return {
    start() {
      if (closed) return Promise.reject(new ForewarmError('closed', 'Expected an open server, received a closed one'))
      if (!loopback && options.token === undefined) {
        const expected = `FOREWARM_TOKEN, as METRICS_HOST ${host} can be reached from other machines`
        return Promise.reject(portUnusable(expected, 'none'))
      }
      started ??= listen(server, options)
      return started
    },
    close() {
      closed ??= stop(server, started)
      return closed
    },
  }
}

function listen(server: Server, { host, port, onError }: HttpOptions): Promise<{ readonly port: number }> {
  return new Promise((resolve, reject) => {
    server.on('error', (error) => {
      // A later error means that a connection could not be accepted because no file descriptor was left.
      if (server.listening) onError?.(error)
      else reject(listenError(error, `${host}:${port}`))
    })
    server.listen({ host, port }, () => {
      const address = server.address()
      resolve({ port: address !== null && typeof address === 'object' ? address.port : port })
    })
  })
}

async function stop(server: Server, started: Promise<unknown> | undefined): Promise<void> {
  // A failed start was reported to its own caller. Here it only means that nothing listens.
  await started?.catch(() => {})
  if (!server.listening) return
  await new Promise<void>((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

async function reply(request: IncomingMessage, rule: AccessRule, routes: Routes): Promise<Reply> {
  const url = URL.parse(request.url ?? '', 'http://localhost')
  if (url === null) return problem(400, 'The request names no path')
  const { pathname: path, searchParams: query } = url
  if (!mayAsk(rule, path, request.headers.authorization)) {
    return problem(401, 'This needs the bearer token that FOREWARM_TOKEN sets', { 'www-authenticate': 'Bearer' })
  }
  const method = request.method ?? 'GET'
  if (isFromElsewhere(method, request.headers)) return problem(403, 'A page of another origin may not do this')
  const { accept } = request.headers
  return answer(routes, { method, path, query, accept, body: () => bodyOf(request) })
}

function send(response: ServerResponse, { status, headers, body }: Reply): void {
  response.writeHead(status, {
    ...headers,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  })
  response.end(body)
}
