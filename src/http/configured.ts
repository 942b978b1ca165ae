import type { Config } from '../config/settings.ts'
import type { HttpOptions } from './server.ts'

/** What the settings say of the HTTP server. */
export function configuredHttp({ http, metrics }: Config): Omit<HttpOptions, 'operations'> {
  const { tlsCert: cert, tlsKey: key } = http
  return {
    host: http.host,
    port: http.port,
    token: http.token,
    readToken: http.readToken,
    metricsAuth: http.metricsAuth,
    metricsEnabled: metrics.enabled,
    tls: cert === undefined || key === undefined ? undefined : { cert, key },
  }
}
