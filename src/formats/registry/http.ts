import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { Answer } from './answer.ts'

/** The address of a registry, and the login there. */
export interface RegistryAccess {
  readonly url: string
  readonly username?: string | undefined
  readonly password?: string | undefined
  readonly token?: string | undefined
  /** The authority that signed its certificate, as PEM. */
  readonly sslCa?: string | undefined
}

/** Asks a registry. `get` rejects if there is no whole answer. */
export interface RegistryConnection {
  get(path: string): Promise<Answer>
  close(): void
}

/** An answer that takes longer is none. */
const ANSWER_MS = 10_000
/** No schema has as many bytes. */
const MAX_BYTES = 16 * 1024 * 1024
const MAX_CONNECTIONS = 8

/** Connects with the first request. */
export function connectionTo(access: RegistryAccess, { answerMs = ANSWER_MS } = {}): RegistryConnection {
  const base = access.url.replace(/\/+$/, '')
  const isSecure = base.startsWith('https:')
  const sockets = { keepAlive: true, maxSockets: MAX_CONNECTIONS }
  const agent = isSecure
    ? new HttpsAgent({ ...sockets, ...(access.sslCa !== undefined && { ca: access.sslCa }) })
    : new HttpAgent(sockets)
  const request = isSecure ? httpsRequest : httpRequest
  const authorization = authorizationOf(access)
  const headers = {
    accept: 'application/vnd.schemaregistry.v1+json, application/json',
    'accept-encoding': 'identity',
    ...(authorization !== undefined && { authorization }),
  }
  const closing = new AbortController()
  return {
    get: (path) => {
      const { promise, resolve, reject } = Promise.withResolvers<Answer>()
      const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(answerMs)])
      const fail = (error: unknown) =>
        reject(signal.aborted && !closing.signal.aborted ? new Error(`no answer within ${answerMs} ms`) : error)
      const ask = (isAgain: boolean) => {
        const asked = request(`${base}${path}`, { agent, headers, signal })
        // The registry may have closed a connection that was idle, just as it was used again.
        const failed = (error: unknown) => (asked.reusedSocket && !isAgain ? ask(true) : fail(error))
        asked
          .on('response', (response) => bodyOf(response).then(resolve, fail))
          // Without a listener the connection would be closed, and nothing be said of it.
          .on('upgrade', ({ statusCode = 0 }, socket) => {
            socket.destroy()
            resolve({ status: statusCode, body: '' })
          })
          .on('error', failed)
          .end()
      }
      ask(false)
      return promise
    },
    close: () => {
      closing.abort()
      agent.destroy()
    },
  }
}

function authorizationOf({ username, password = '', token }: RegistryAccess): string | undefined {
  if (token !== undefined) return `Bearer ${token}`
  if (username === undefined) return undefined
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}

async function bodyOf(response: IncomingMessage): Promise<Answer> {
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of response) {
    pieces.push(piece)
    bytes += piece.length
    if (bytes > MAX_BYTES) {
      response.destroy()
      throw new Error(`an answer of more than ${MAX_BYTES} bytes`)
    }
  }
  return { status: response.statusCode ?? 0, body: Buffer.concat(pieces).toString('utf8') }
}
