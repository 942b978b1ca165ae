import type { BrokerEvent } from '../../src/broker/port.ts'
import type { Log } from '../../src/telemetry/log.ts'
import type { Metrics } from '../../src/telemetry/slab.ts'
import { type Faults, printable } from '../faults.ts'

export interface EventsParts {
  readonly metrics: Metrics
  readonly log: Log
  readonly faults: Pick<Faults, 'undecodable' | 'topicForbidden'>
}

/** Counts and logs what happened to a consumer. */
export function report({ metrics, log, faults }: EventsParts, event: BrokerEvent): void {
  if (event.type === 'restart') metrics.counter('consumer_restarts_total', { group: event.groupId }).add(1)
  if (event.type === 'stuck') metrics.counter('batches_stuck_total', { group: event.groupId }).add(1)
  if (event.type === 'uncommitted')
    metrics.counter('uncommitted_records_total', { topic: event.topic }).add(Number(event.to - event.from))
  if (event.type === 'undecodable') {
    metrics.counter('drops_total', { reason: 'undecodable' }).add(Number(event.to - event.from) + 1)
    faults.undecodable(event)
    return
  }
  // A cut log moves the offset back: then nothing was passed.
  if (event.type === 'offset-jump' && event.to > event.from)
    metrics.counter('drops_total', { reason: 'offset-jump' }).add(Number(event.to - event.from))
  if (event.type === 'disconnected' || event.type === 'reconnected') return
  if (event.type === 'topic' && event.change === 'forbidden') faults.topicForbidden(event.topic)
  const { type, ...facts } = event
  log[type === 'rebalance' ? 'info' : 'warn'](printable(facts), `kafka: ${type}`)
}
