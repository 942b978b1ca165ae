import type { BrokerEvent } from '../src/broker/port.ts'
import type { Log } from '../src/telemetry/log.ts'

/**
 * The streams tell what happens to their consumers; what is left is the connection itself, which each consumer and
 * producer loses for itself: said once.
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
