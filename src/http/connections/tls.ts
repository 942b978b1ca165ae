import { X509Certificate } from 'node:crypto'
import { isIP, type Socket } from 'node:net'
import { createSecureContext, TLSSocket } from 'node:tls'
import { portUnusable } from './port-unusable.ts'

/** A certificate and its private key, as PEM. */
export interface Tls {
  readonly cert: string
  readonly key: string
}

export interface Secured {
  /** What the certificate is for. */
  isNamed(host: string): boolean
  /** Speaks TLS over a connection, whose first byte the caller has still to send. */
  over(socket: Socket): Socket
}

/** Throws a ForewarmError 'port-unusable' for a certificate that callers would refuse, or a key that is another one's. */
export function secured({ cert, key }: Tls, receivedBytes: number): Secured {
  const certificate = new X509Certificate(cert)
  const { validFromDate, validToDate } = certificate
  const nowMs = Date.now()
  const isoDay = (date: Date) => date.toISOString().slice(0, 10)
  const valid = 'a certificate that is valid now (METRICS_TLS_CERT)'
  if (validToDate.getTime() < nowMs) throw portUnusable(valid, `one that expired on ${isoDay(validToDate)}`)
  if (validFromDate.getTime() > nowMs) throw portUnusable(valid, `one that is valid from ${isoDay(validFromDate)}`)
  const context = contextOf({ cert, key })
  return {
    isNamed: (host) => (isIP(host) > 0 ? certificate.checkIP(host) : certificate.checkHost(host)) !== undefined,
    // The socket limits the handshake, as it limits everything that a caller may take its time for.
    over: (socket) =>
      new TLSSocket(socket, {
        ...{ isServer: true, secureContext: context, ALPNProtocols: ['http/1.1'] },
        ...{ highWaterMark: receivedBytes },
      }),
  }
}

function contextOf(tls: Tls): ReturnType<typeof createSecureContext> {
  try {
    return createSecureContext(tls)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw portUnusable('the private key of METRICS_TLS_CERT (METRICS_TLS_KEY)', reason, error)
  }
}
