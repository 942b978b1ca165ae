import { createWarmPublisher as createPublisherOver, type WarmPublisher } from '../producers/warm-publisher.ts'
import { configuredKafka } from '../src/broker/kafka/configured.ts'
import type { Broker } from '../src/broker/port.ts'
import { type Clock, systemClock } from '../src/clock.ts'
import type { Environment } from '../src/config/environment.ts'
import { acceptedConfig } from '../src/config/load.ts'
import { assertOptions } from '../src/config/options.ts'
import type { Overrides } from '../src/config/settings.ts'

/** The options of `createWarmPublisher`. Everything is optional. */
export interface WarmPublisherOptions {
  /** Overrides environment, file, profile and defaults. */
  readonly config?: Overrides
  readonly env?: Environment
  /** Instead of the Kafka of the configuration; stays open when the publisher closes. */
  readonly broker?: Broker
  readonly clock?: Clock
}

/**
 * Connects a publisher of warm requests, for a process that runs no node. Throws a ForewarmError ('bad-config', or
 * 'topics-unusable' while no node has made the topic) or a BrokerError.
 */
export async function createWarmPublisher(options: WarmPublisherOptions = {}): Promise<WarmPublisher> {
  assertOptions('createWarmPublisher', options, { config: true, env: true, broker: true, clock: true })
  const { config } = acceptedConfig({ env: options.env ?? process.env, overrides: options.config })
  const { kafka, node } = config
  const broker = options.broker ?? configuredKafka(config, () => undefined)
  const closeOwn = async () => (options.broker === undefined ? await broker.close() : undefined)
  try {
    const topics = { warmRequests: kafka.warmRequestsTopic, warmResults: kafka.warmResultsTopic }
    const publisher = await createPublisherOver({
      broker,
      topics,
      service: node.service,
      clock: options.clock ?? systemClock,
    })
    return {
      request: (ask) => publisher.request(ask),
      close: async () => {
        await publisher.close()
        await closeOwn()
      },
    }
  } catch (error) {
    await closeOwn()
    throw error
  }
}
