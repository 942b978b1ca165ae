import type { BrokerEvent } from '../src/broker/port.ts'
import type { Log } from '../src/telemetry/log.ts'

/**
 * Logs once that the connection to Kafka is lost, and once that it is back. Each consumer and producer loses its own, so
 * the events come several times. Everything else that happens to a consumer is logged by the streams.
 */
export function connectionTeller(log: Log): (event: BrokerEvent) => void {
  let isAway = false
  return (event) => {
    if (event.type === 'disconnected' && !isAway) {
      isAway = true
      log.warn({ reason: event.reason }, 'Kafka is gone: trying again')
    }
    if (event.type === 'reconnected' && isAway) {
      isAway = false
      log.info('Kafka is back')
    }
  }
}
