/** Why the port could not be opened. */
export class HttpError extends Error {
  readonly code: 'token-required' | 'port-in-use' | 'address-unavailable' | 'closed' | 'failed'
  readonly expected: string
  readonly received: string
  readonly retriable = false

  constructor(
    code: HttpError['code'],
    difference: { readonly expected: string; readonly received: string; readonly cause?: unknown },
  ) {
    super(`Expected ${difference.expected}, received ${difference.received}`, { cause: difference.cause })
    this.name = 'HttpError'
    this.code = code
    this.expected = difference.expected
    this.received = difference.received
  }
}

export function listenError(error: NodeJS.ErrnoException, address: string): HttpError {
  switch (error.code) {
    case 'EADDRINUSE':
      return new HttpError('port-in-use', {
        expected: 'a free port (METRICS_PORT, 0 takes any)',
        received: `${address}, where something else listens`,
        cause: error,
      })
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EACCES':
      return new HttpError('address-unavailable', {
        expected: 'an address of this machine that this user may listen on (METRICS_HOST, METRICS_PORT)',
        received: `${address} (${error.code})`,
        cause: error,
      })
    default:
      return new HttpError('failed', { expected: `to listen on ${address}`, received: error.message, cause: error })
  }
}
