import { createHash, timingSafeEqual } from 'node:crypto'

/** An orchestrator's probes and scrapers carry no token. With METRICS_AUTH, `/metrics` needs one all the same. */
const OPEN_PATHS = new Set(['/livez', '/readyz', '/metrics'])

export interface AccessRule {
  /** Undefined: anyone who can reach the port may ask. */
  readonly token: string | undefined
  readonly metricsAuth: boolean
}

export function mayAsk(rule: AccessRule, path: string, authorization: string | undefined): boolean {
  if (rule.token === undefined) return true
  if (OPEN_PATHS.has(path) && !(path === '/metrics' && rule.metricsAuth)) return true
  const given = /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1]
  return given !== undefined && timingSafeEqual(digest(given), digest(rule.token))
}

/** Digests have one length, as a comparison in constant time needs, and do not reveal the length of the token. */
function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
