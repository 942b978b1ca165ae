import { createHash, timingSafeEqual } from 'node:crypto'

/** Probes and scrapers of an orchestrator carry no token; `/metrics` leaves the list with METRICS_AUTH. */
const OPEN_PATHS = new Set(['/livez', '/readyz', '/metrics'])

export interface AccessRule {
  /** Undefined: whoever can reach the port may ask. */
  readonly token: string | undefined
  readonly metricsAuth: boolean
}

export function mayAsk(rule: AccessRule, path: string, authorization: string | undefined): boolean {
  if (rule.token === undefined) return true
  if (OPEN_PATHS.has(path) && !(path === '/metrics' && rule.metricsAuth)) return true
  const given = /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1]
  return given !== undefined && timingSafeEqual(digest(given), digest(rule.token))
}

/** Digests are of one length, which a comparison in constant time needs, and tell nothing of the token's. */
function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

interface Sender {
  readonly origin?: string | undefined
  readonly host?: string | undefined
}

/** A page that a browser on this machine shows may not change anything: browsers say where a request comes from. */
export function isFromElsewhere(method: string, { origin, host }: Sender): boolean {
  if (method === 'GET' || method === 'HEAD' || origin === undefined) return false
  return URL.parse(origin)?.host !== host
}
