import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { problem, type Reply } from '../reply.ts'

/** An orchestrator's probes and scrapers carry no token. With METRICS_AUTH, `/metrics` needs one all the same. */
const OPEN_PATHS = new Set(['/livez', '/readyz', '/metrics'])

/** A proxy adds one of them. Its caller is on another machine, although the connection comes from this one. */
const FORWARDED = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip']

const READING = new Set(['GET', 'HEAD'])

export interface AccessRule {
  /** Whether callers on this machine may ask without a token. */
  readonly openHere: boolean
  /** May read and operate. */
  readonly token?: string | undefined
  /** May only read. */
  readonly readToken?: string | undefined
  readonly metricsAuth: boolean
}

interface Asked {
  readonly method: string
  /** As the route has it. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
}

/** Who may read, and who may operate: every method but GET and HEAD. */
export class Access {
  readonly #rule: AccessRule
  readonly #token: Buffer | undefined
  readonly #readToken: Buffer | undefined

  constructor(rule: AccessRule) {
    this.#rule = rule
    this.#token = rule.token === undefined ? undefined : digest(rule.token)
    this.#readToken = rule.readToken === undefined ? undefined : digest(rule.readToken)
  }

  /** Undefined if the request may go on. */
  refusal({ method, path, headers }: Asked): Reply | undefined {
    const { openHere, metricsAuth } = this.#rule
    if (openHere && !FORWARDED.some((name) => headers[name] !== undefined)) return undefined
    if (OPEN_PATHS.has(path) && !(path === '/metrics' && metricsAuth)) return undefined
    const given = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1] ?? ''
    const right = digest(given)
    if (isSame(right, this.#token)) return undefined
    if (isSame(right, this.#readToken)) return READING.has(method) ? undefined : readOnly(method)
    return problem(401, 'This needs the bearer token that FOREWARM_TOKEN sets', {
      headers: { 'www-authenticate': 'Bearer' },
    })
  }
}

function readOnly(method: string): Reply {
  const headers = { 'www-authenticate': 'Bearer error="insufficient_scope"' }
  const detail = `The token of FOREWARM_READ_TOKEN may only read: ${method} needs that of FOREWARM_TOKEN`
  return problem(403, detail, { headers })
}

function isSame(given: Buffer, expected: Buffer | undefined): boolean {
  return expected !== undefined && timingSafeEqual(given, expected)
}

/** Digests have one length, as a comparison in constant time needs, and do not reveal the length of the token. */
function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
