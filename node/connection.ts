import { setTimeout as delay } from 'node:timers/promises'
import { settlesWithin } from '../src/broker/deadline.ts'
import { type Admin, BrokerError, type BrokerEvent } from '../src/broker/port.ts'
import { Outage } from '../src/cache/outage.ts'
import { ForewarmError } from '../src/forewarm-error.ts'
import type { Log } from '../src/telemetry/log.ts'

export interface ConnectOptions {
  /** Named in the log and in the error. */
  readonly brokers: readonly string[]
  /** How long to try while no broker answers, in milliseconds. */
  readonly forMs: number
  readonly log: Log
  /** Ends the wait. */
  readonly signal: AbortSignal
}

/** The delay before the second attempt. It doubles from one attempt to the next, up to LAST_RETRY_MS. */
const FIRST_RETRY_MS = 250
const LAST_RETRY_MS = 2_000
/** An attempt ends after this time at the earliest. The client itself would wait half a minute for an answer. */
const SHORTEST_ATTEMPT_MS = 3_000

/** Resolves when a broker answers. Logs once if none does yet. Rejects with `kafka-unreachable` after `forMs`. */
export async function connected(admin: Pick<Admin, 'connect'>, options: ConnectOptions): Promise<void> {
  const { brokers, forMs, log, signal } = options
  const deadlineMs = performance.now() + forMs
  for (let delayMs = FIRST_RETRY_MS; ; delayMs = Math.min(delayMs * 2, LAST_RETRY_MS)) {
    try {
      await attempt(admin, Math.max(SHORTEST_ATTEMPT_MS, deadlineMs - performance.now()))
      return
    } catch (error) {
      if (!(error instanceof BrokerError) || !error.retriable || signal.aborted) throw error
      const leftMs = deadlineMs - performance.now()
      if (leftMs <= 0) throw unreachable(options, error)
      if (delayMs === FIRST_RETRY_MS) log.warn({ brokers, forMs }, 'no Kafka answers yet: trying again')
      await delay(Math.min(delayMs, leftMs), undefined, { signal }).catch(() => undefined)
    }
  }
}

async function attempt(admin: Pick<Admin, 'connect'>, ms: number): Promise<void> {
  const connecting = admin.connect()
  if (await settlesWithin(connecting, ms)) return connecting
  throw new BrokerError('unreachable', `no answer within ${Math.round(ms)} ms`, { retriable: true })
}

function unreachable({ brokers, forMs }: ConnectOptions, cause: BrokerError): ForewarmError {
  const message = `no Kafka answers at ${brokers.join(', ')}, asked for ${forMs} ms: ${cause.message}`
  return new ForewarmError('kafka-unreachable', message, { retriable: true, cause })
}

/**
 * Logs once that the connection to Kafka is lost, once that it is back, and once that records may be stored twice. Each
 * consumer and producer has its own connections, so the events come several times. Everything else that happens to a
 * consumer is logged by the streams.
 */
export function connectionTeller(log: Log): (event: BrokerEvent) => void {
  let isIdempotent = true
  const outage = new Outage({
    onAway: (reason) => log.warn({ reason }, 'Kafka is gone: trying again'),
    onBack: () => log.info('Kafka is back'),
  })
  return (event) => {
    if (event.type === 'disconnected') outage.saw(event.reason)
    if (event.type === 'reconnected') outage.saw(undefined)
    if (event.type === 'not-idempotent' && isIdempotent) {
      isIdempotent = false
      log.warn({ reason: event.reason }, 'Kafka may store records twice, as this user may not number them')
    }
  }
}

/** What a start rejects with when the broker refused. */
export function toForewarmError(error: unknown): unknown {
  if (error instanceof BrokerError)
    return new ForewarmError(error.code === 'unreachable' ? 'kafka-unreachable' : 'topics-unusable', error.message, {
      retriable: error.retriable,
      cause: error,
    })
  return error
}
