import type { Broker } from '../broker/port.ts'
import { loadConfig } from '../config/load.ts'
import { describeProblems } from '../config/problem.ts'
import { ForewarmError } from '../forewarm-error.ts'

export interface LentBroker {
  readonly broker: Broker
  /** Cluster ids that the configuration protects; none where the broker was given. */
  readonly protectedClusters: readonly string[]
  /** Closes what was opened for the purpose; a broker that was given stays open. */
  giveBack(): Promise<void>
}

/**
 * The broker that was given, or the Kafka of the environment. The client is loaded only where it is needed: replaying
 * a file in process needs none. Throws a ForewarmError 'bad-config'.
 */
export async function lendBroker(given: Broker | undefined): Promise<LentBroker> {
  if (given !== undefined) return { broker: given, protectedClusters: [], giveBack: async () => {} }
  const loaded = loadConfig({ env: process.env })
  if (loaded.status === 'refused') throw new ForewarmError('bad-config', describeProblems(loaded.problems))
  const { configuredKafka } = await import('../broker/kafka/configured.ts')
  const broker = configuredKafka(loaded.config, () => {})
  const { protectedClusters = [] } = loaded.config.kafka
  return { broker, protectedClusters, giveBack: () => broker.close() }
}
