import type { PriceUpdates } from '../../consumers/price-updates.ts'
import type { Consumer } from '../../src/broker/port.ts'
import type { Clock } from '../../src/clock.ts'
import type { Metrics } from '../../src/telemetry/slab.ts'

/** Shows how far the consumer is behind in the topic, in records and in time. */
export function observeLag(
  { metrics, clock }: { readonly metrics: Metrics; readonly clock: Clock },
  topic: string,
  { consumer, updates }: { readonly consumer: Consumer; readonly updates: PriceUpdates },
): void {
  metrics.observe('consumer_lag_records', { topic }, () => lagOf(consumer, topic))
  metrics.observe('consumer_lag_seconds', { topic }, () =>
    lagOf(consumer, topic) === 0 ? 0 : (clock.now() - updates.lastRecordMs(topic)) / 1000,
  )
}

function lagOf(consumer: Consumer, topic: string): number {
  return consumer.lag().reduce((sum, of) => (of.topic === topic ? sum + Number(of.records) : sum), 0)
}
