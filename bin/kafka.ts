import { configuredKafka } from '../src/broker/kafka/configured.ts'
import type { Broker, BrokerEvent } from '../src/broker/port.ts'
import type { Config } from '../src/config/settings.ts'
import type { FormatRule } from '../src/formats/formats.ts'
import { loadWithFormats, type SettingsChoice } from './settings.ts'
import { say, type Terminal } from './terminal/terminal.ts'

/** Lends the configured Kafka to `body`, and closes it whatever happens. */
export async function withKafka<T>(
  terminal: Terminal,
  choice: SettingsChoice,
  body: (broker: Broker, config: Config, formats: readonly FormatRule[]) => Promise<T>,
): Promise<T> {
  const { config, formats } = await loadWithFormats(terminal, choice)
  return lendKafka(terminal, config, (broker) => body(broker, config, formats))
}

/** The same, for a configuration that is loaded already. */
export async function lendKafka<T>(
  terminal: Terminal,
  config: Config,
  body: (broker: Broker) => Promise<T>,
): Promise<T> {
  const broker = configuredKafka(config, (event) => {
    const line = lineOf(event)
    if (line !== undefined) say(terminal, line)
  })
  try {
    return await body(broker)
  } finally {
    await broker.close()
  }
}

/** The line that tells of an event; undefined if a command has nothing to say of it. */
export function lineOf(event: BrokerEvent): string | undefined {
  switch (event.type) {
    case 'disconnected':
    case 'restart':
      return `kafka: ${event.reason}`
    case 'reconnected':
      return 'kafka: reconnected'
    case 'not-idempotent':
      return `kafka: records may be stored twice, as this user may not number them: ${event.reason}`
    case 'partition': {
      const { topic, partition, change, reason } = event
      return `kafka: partition ${partition} of ${topic} can${change === 'back' ? ' be read again' : `not be read: ${reason}`}`
    }
    case 'topic':
      return TOPIC_CHANGES[event.change]?.(event.topic)
    default:
      return undefined
  }
}

const TOPIC_CHANGES: Partial<Record<string, (topic: string) => string>> = {
  gone: (topic) => `kafka: topic ${topic} does not exist any more`,
  forbidden: (topic) => `kafka: topic ${topic} cannot be read: the right to DESCRIBE and READ it is missing`,
  back: (topic) => `kafka: topic ${topic} can be read again`,
}
