import { isUtf8 } from 'node:buffer'
import { createServer, type Server, ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import rateLimit from '@fastify/rate-limit'
import { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import { Access, type AccessRule } from './admission/access.ts'
import { Costly } from './admission/costly.ts'
import { type OwnNames, refusedSender } from './admission/sender.ts'
import type { Limits } from './connections/limits.ts'
import { PacedSocket } from './connections/paced-socket.ts'
import { invalidFields, Refusal } from './refusal.ts'
import { problem, type Reply, sent } from './reply.ts'
import { requestIdOf } from './request-id.ts'
import { methodsOf, type Routes } from './route.ts'

export interface AppOptions {
  readonly names: OwnNames
  readonly rule: AccessRule
  readonly limits: Limits
  readonly routes: Routes
  readonly onError: (error: unknown, requestId: string) => void
}

/** What a probe asks is answered however much is asked besides. */
const PROBES = new Set(['/livez', '/readyz'])
const CLOSE = { headers: { connection: 'close' } }
const BUSY = problem(503, 'Too many callers ask for what takes long', { headers: { 'retry-after': '1' } })
const NO_PATH = 'The request names no path'

/** Fastify with our routes. It does not listen: a Door gives it its connections. */
export async function createApp(options: AppOptions): Promise<FastifyInstance> {
  const { limits, routes } = options
  const app = fastify({
    serverFactory: (handler) => createPacedServer(handler, limits),
    bodyLimit: limits.bodyBytes,
    handlerTimeout: limits.handlerMs,
    // Longer names than a pair may have are refused with a reason.
    routerOptions: { maxParamLength: limits.headBytes },
    ajv: { customOptions: { allErrors: true, verbose: true, coerceTypes: false, removeAdditional: false } },
    schemaErrorFormatter: invalidFields,
    frameworkErrors: (_error, _request, reply) => send(reply, problem(400, NO_PATH)),
    clientErrorHandler,
    genReqId: ({ headers }) => requestIdOf(headers),
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, async (_: FastifyRequest, body: Buffer) => body)
  app.setErrorHandler((error: FastifyError, { id }, reply) => send(reply, replyOf(error, id, options)))
  await app.register(rateLimit, { global: false })
  const limiter = app.createRateLimit({ max: limits.requestsPerSecond, timeWindow: 1_000 })
  const access = new Access(options.rule)
  app.addHook('onRequest', async (request) => {
    const refused = refusedSender(request.raw, options.names)
    if (refused !== undefined) throw new Refusal(refused)
    const path = request.routeOptions.url ?? pathOf(request)
    if (!PROBES.has(path)) {
      const used = await limiter(request)
      if (!used.isAllowed && used.isExceeded) throw new Refusal(tooMany(used.ttlInSeconds))
    }
    const { method, headers } = request
    const denied = access.refusal({ method, path, headers })
    if (denied !== undefined) throw new Refusal(denied)
  })
  app.setNotFoundHandler((request, reply) => send(reply, notFound(routes, request)))
  const costly = new Costly()
  for (const [url, methods] of Object.entries(routes))
    for (const [method, { handle, isCostly, schema = {} }] of Object.entries(methods))
      app.route({
        ...{ method, url, schema },
        preValidation: async (request, reply) => {
          if (isCostly && !(await costly.admit(reply.raw))) throw new Refusal(BUSY)
          if (schema.body !== undefined) request.body = parsed(request.body)
        },
        handler: async (request, reply) => {
          const answer = await handle(request)
          return reply.sent || reply.raw.destroyed ? reply : send(reply, answer)
        },
      })
  await app.ready()
  return app
}

/** A connection learns from the response that the parser makes for it that a request has begun. */
class PacedResponse extends ServerResponse {
  constructor(...given: ConstructorParameters<typeof ServerResponse>) {
    super(...given)
    const [request] = given
    const socket: Duplex = request.socket
    if (socket instanceof PacedSocket) socket.begin(request, this)
  }
}

function createPacedServer(handler: Parameters<typeof createServer>[1], limits: Limits): Server {
  // HTTP/1.1 without Host is refused with a problem document like everything else.
  const parser = { maxHeaderSize: limits.headBytes, requireHostHeader: false, ServerResponse: PacedResponse }
  return createServer({ ...parser, keepAliveTimeout: limits.idleMs }, handler)
}

/** Decoding other bytes than UTF-8 would turn different names into the same one. */
function parsed(body: unknown): unknown {
  if (!(body instanceof Buffer)) throw new Refusal(problem(400, 'The body is not JSON: it is empty'))
  if (!isUtf8(body)) throw new Refusal(problem(400, 'The body is not UTF-8'))
  try {
    return JSON.parse(body.toString())
  } catch (error) {
    throw new Refusal(problem(400, `The body is not JSON: ${error instanceof Error ? error.message : error}`))
  }
}

function notFound(routes: Routes, request: FastifyRequest): Reply {
  const path = pathOf(request)
  if (path === undefined) return problem(400, NO_PATH)
  const allow = methodsOf(routes, path)
  if (allow === undefined) return problem(404, `There is nothing at ${path}`)
  return problem(405, `${path} does not take ${request.method}`, { headers: { allow } })
}

function pathOf({ url }: FastifyRequest): string {
  const found = URL.parse(url, 'http://localhost')?.pathname
  if (found === undefined) throw new Refusal(problem(400, NO_PATH))
  return found
}

function tooMany(seconds: number): Reply {
  const headers = { 'retry-after': `${seconds}`, connection: 'close' }
  return problem(429, 'Too many requests from this address', { headers })
}

function replyOf(error: FastifyError, requestId: string, { limits, onError }: AppOptions): Reply {
  if (error instanceof Refusal) return error.reply
  const { statusCode = 500 } = error
  if (error.code === 'FST_ERR_HANDLER_TIMEOUT') return problem(503, 'The answer took too long')
  if (statusCode === 413) return problem(413, `A body may have at most ${limits.bodyBytes} bytes`, CLOSE)
  if (statusCode >= 400 && statusCode < 500) return problem(statusCode, error.message, CLOSE)
  onError(error, requestId)
  return problem(500, 'The node could not answer; its log says why')
}

function send(reply: FastifyReply, answer: Reply): FastifyReply {
  const { headers, body } = sent(answer, reply.request.id)
  return reply.code(answer.status).headers(headers).send(body)
}

const PARSER_PROBLEMS: Readonly<Record<string, readonly [status: number, detail: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'The head of the request is too long'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request took too long'],
}

/** Answers what never became a request: a head that cannot be read, or one that does not end. */
function clientErrorHandler({ code = '' }: NodeJS.ErrnoException, socket: Duplex): void {
  if (code === 'ECONNRESET' || !socket.writable || !(socket instanceof PacedSocket)) {
    socket.destroy()
    return
  }
  const [status, detail] = PARSER_PROBLEMS[code] ?? [400, 'The request is not HTTP']
  const { headers, body } = sent(problem(status, detail, CLOSE), requestIdOf({}))
  const lines = Object.entries({ ...headers, 'content-length': `${body.length}` })
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  socket.refuse(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${head}\r\n${body}`)
}
