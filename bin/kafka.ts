import { configuredKafka } from '../src/broker/kafka/configured.ts'
import type { Broker } from '../src/broker/port.ts'
import { loadConfig } from '../src/config/load.ts'
import { describeProblems } from '../src/config/problem.ts'
import type { Config } from '../src/config/settings.ts'
import { ForewarmError } from '../src/forewarm-error.ts'
import { say, type Terminal } from './terminal/terminal.ts'

export interface KafkaChoice {
  /** A settings file. */
  readonly config?: string
  /** Instead of KAFKA_BROKERS. */
  readonly brokers?: readonly string[]
}

/** The settings that hold for a command. Throws a ForewarmError 'bad-config'. */
export function settings(terminal: Terminal, choice: KafkaChoice): Config {
  const loaded = loadConfig({
    env: process.env,
    ...(choice.config === undefined ? {} : { file: choice.config }),
    ...(choice.brokers === undefined ? {} : { overrides: { kafka: { brokers: choice.brokers } } }),
  })
  for (const warning of loaded.warnings) say(terminal, `warning: ${warning}`)
  if (loaded.status === 'refused') throw new ForewarmError('bad-config', describeProblems(loaded.problems))
  return loaded.config
}

/** Lends the configured Kafka to `body`, and closes it whatever happens. */
export async function withKafka<T>(
  terminal: Terminal,
  choice: KafkaChoice,
  body: (broker: Broker, config: Config) => Promise<T>,
): Promise<T> {
  const config = settings(terminal, choice)
  const broker = configuredKafka(config, (event) => {
    if (event.type === 'disconnected' || event.type === 'restart') say(terminal, `kafka: ${event.reason}`)
  })
  try {
    return await body(broker, config)
  } finally {
    await broker.close()
  }
}
