import type { Broker } from '../broker/port.ts'
import { loadConfig } from '../config/load.ts'
import { describeProblems } from '../config/problem.ts'
import { ForewarmError } from '../forewarm-error.ts'

export interface LentBroker {
  readonly broker: Broker
  /** Closes what was opened for the purpose; a broker that was given stays open. */
  giveBack(): Promise<void>
}

/**
 * The broker that was given, or the Kafka of the environment. The client is loaded only where it is needed: replaying
 * a file in process needs none. Throws a ForewarmError 'bad-config'.
 */
export async function lendBroker(given: Broker | undefined): Promise<LentBroker> {
  if (given !== undefined) return { broker: given, giveBack: async () => {} }
  const loaded = loadConfig({ env: process.env })
  if (loaded.status === 'refused') throw new ForewarmError('bad-config', describeProblems(loaded.problems))
  const { configuredKafka } = await import('../broker/configured-kafka.ts')
  const broker = configuredKafka(loaded.config, () => {})
  return { broker, giveBack: () => broker.close() }
}
