/** What callers may take, each and together. */
export interface Limits {
  /** The most connections; a further one takes the place of another. */
  readonly connections: number
  /** No fewer than the kernel hands over at once (511): a probe among them is read before it can be the oldest. */
  readonly connectionsPerAddress: number
  readonly requestsPerConnection: number
  /** Requests a second from one address; probes are not counted. */
  readonly requestsPerSecond: number
  /** How long a connection may say nothing between requests. */
  readonly idleMs: number
  /** From a request's first byte to its last. */
  readonly requestMs: number
  /** From a request's last byte until its answer was made. */
  readonly handlerMs: number
  /** From a request's last byte until the caller has taken the answer. */
  readonly answerMs: number
  /** A body is parsed, checked and taken in one piece: 128 KiB of patterns take some 30 ms. */
  readonly bodyBytes: number
  readonly headBytes: number
}

export const LIMITS: Limits = {
  connections: 768,
  connectionsPerAddress: 512,
  requestsPerConnection: 1_000,
  requestsPerSecond: 500,
  idleMs: 5_000,
  requestMs: 10_000,
  handlerMs: 10_000,
  answerMs: 30_000,
  bodyBytes: 128 * 1024,
  headBytes: 8 * 1024,
}
