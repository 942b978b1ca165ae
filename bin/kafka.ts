import { configuredKafka } from '../src/broker/kafka/configured.ts'
import type { Broker } from '../src/broker/port.ts'
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
    if (event.type === 'disconnected' || event.type === 'restart') say(terminal, `kafka: ${event.reason}`)
  })
  try {
    return await body(broker, config)
  } finally {
    await broker.close()
  }
}
