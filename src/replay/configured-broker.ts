import type { Broker } from '../broker/port.ts'
import { acceptedConfig } from '../config/load.ts'

export interface ConfiguredBroker {
  readonly broker: Broker
  /** Ids of clusters that the configuration protects; none if the broker was given. */
  readonly protectedClusters: readonly string[]
  /** Closes the broker if it was opened here; one that was given stays open. */
  close(): Promise<void>
}

/**
 * The broker that was given, or the Kafka of the environment, whose client is loaded only here: to replay a file in
 * process needs none. Throws a ForewarmError 'bad-config'.
 */
export async function configuredBroker(given: Broker | undefined): Promise<ConfiguredBroker> {
  if (given !== undefined) return { broker: given, protectedClusters: [], close: async () => {} }
  const { config } = acceptedConfig({ env: process.env })
  const { configuredKafka } = await import('../broker/kafka/configured.ts')
  const broker = configuredKafka(config, () => {})
  const { protectedClusters = [] } = config.kafka
  return { broker, protectedClusters, close: () => broker.close() }
}
