import { configuredKafka } from '../src/broker/kafka/configured.ts'
import type { Broker, BrokerEvent } from '../src/broker/port.ts'
import type { Config } from '../src/config/settings.ts'
import { loadSettings, type SettingsChoice } from './settings.ts'
import { say, type Terminal } from './terminal/terminal.ts'

/** Lends the configured Kafka to `body`, and closes it whatever happens. */
export async function withKafka<T>(
  terminal: Terminal,
  choice: SettingsChoice,
  body: (broker: Broker, config: Config) => Promise<T>,
): Promise<T> {
  const { config } = loadSettings(terminal, choice)
  const broker = configuredKafka(config, (event) => {
    const line = lineOf(event)
    if (line !== undefined) say(terminal, line)
  })
  try {
    return await body(broker, config)
  } finally {
    await broker.close()
  }
}

/** The line that tells of an event; undefined if a command has nothing to say of it. */
export function lineOf(event: BrokerEvent): string | undefined {
  if (event.type === 'disconnected' || event.type === 'restart') return `kafka: ${event.reason}`
  if (event.type !== 'not-idempotent') return undefined
  return `kafka: records may be stored twice, as this user may not number them: ${event.reason}`
}
