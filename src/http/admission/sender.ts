import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { hostname } from 'node:os'
import { isLoopback } from '../../config/loopback.ts'
import { problem, type Reply } from '../reply.ts'

const AUTHORITY = /^(?:\[[\da-f:.]+\]|[\w.-]+)(?::\d{1,5})?$/i
const EVERY_ADDRESS = new Set(['0.0.0.0', '::'])

/** What Host may name besides loopback addresses. */
export interface OwnNames {
  readonly listenHost: string
  /** With TLS: whether the certificate is for the host. No page can have a certificate for another name than its own. */
  readonly isNamed?: ((host: string) => boolean) | undefined
}

/**
 * What a browser may send for a page of elsewhere. Such a page can have its own name resolve to this machine, and then it
 * is of one origin with the node; but the name in Host is still its own. Undefined if the request may go on.
 */
export function refusedSender(request: IncomingMessage, names: OwnNames): Reply | undefined {
  const { method = 'GET', headers, httpVersion, url = '' } = request
  if ((request.headersDistinct.host?.length ?? 0) > 1) return problem(400, 'Host: expected one, got several')
  // Only a caller that is no browser uses HTTP/1.0, or names the host in place of a path.
  const named = /^https?:\/\/([^/?#]*)/i.exec(url)?.[1]
  const { host = httpVersion === '1.0' ? 'localhost' : undefined, origin } = headers
  if (host === undefined) return problem(400, 'Host: expected a host, got nothing')
  for (const authority of named === undefined ? [host] : [named, host])
    if (!namesThisNode(authority, names, request.socket.localAddress))
      return problem(
        421,
        `Host: expected localhost, a loopback address or METRICS_HOST (${names.listenHost}), got ${authority}`,
      )
  const isOwnOrigin = origin === undefined || hostOf(origin) === hostOf(`http://${host}`)
  const isChange = method !== 'GET' && method !== 'HEAD'
  const isFromPageElsewhere = isChange && ['cross-site', 'same-site'].includes(`${headers['sec-fetch-site']}`)
  if (!isOwnOrigin || isFromPageElsewhere) return problem(403, 'A page of another origin may not do this')
  return undefined
}

/** The port is not compared: a forwarded one is another one, and no page can take another port's name for its own. */
function namesThisNode(
  authority: string,
  { listenHost, isNamed }: OwnNames,
  localAddress: string | undefined,
): boolean {
  const name = AUTHORITY.test(authority) ? nameOf(authority) : undefined
  if (name === undefined) return false
  const own = nameOf(isIP(listenHost) === 6 ? `[${listenHost}]` : listenHost)
  if (isLoopback(name) || name === own || name === localAddress || isNamed?.(name)) return true
  // An address in Host is nobody's name, so no page can have it resolve to something else.
  return EVERY_ADDRESS.has(own ?? '') && (isIP(name) > 0 || name === hostname().toLowerCase())
}

/** As a browser writes it: in lower case, an address in its usual form, without brackets and without the last dot. */
function nameOf(authority: string): string | undefined {
  const { hostname: found } = URL.parse(`http://${authority}`) ?? {}
  return found?.replace(/^\[|\]$|\.$/g, '')
}

function hostOf(origin: string): string | undefined {
  return URL.parse(origin)?.host
}
