import { ForewarmError } from '../../forewarm-error.ts'

/** The error of a server that cannot listen. */
export function portUnusable(expected: string, received: string, cause?: unknown): ForewarmError {
  return new ForewarmError('port-unusable', `Expected ${expected}, received ${received}`, { cause })
}

/** Says what to do about an error of `listen`. */
export function listenError(error: NodeJS.ErrnoException, address: string): ForewarmError {
  switch (error.code) {
    case 'EADDRINUSE':
      return portUnusable('a free port (METRICS_PORT, 0 takes any)', `${address}, where something else listens`, error)
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EACCES': {
      const expected = 'an address of this machine that this user may listen on (METRICS_HOST, METRICS_PORT)'
      return portUnusable(expected, `${address} (${error.code})`, error)
    }
    default:
      return portUnusable(`to listen on ${address}`, error.message, error)
  }
}
