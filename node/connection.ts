import { BrokerError, type BrokerEvent } from '../src/broker/port.ts'
import { Outage } from '../src/cache/outage.ts'
import { ForewarmError } from '../src/forewarm-error.ts'
import type { Log } from '../src/telemetry/log.ts'

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
