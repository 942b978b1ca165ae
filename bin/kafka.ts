import { randomUUID } from 'node:crypto'
import { userInfo } from 'node:os'
import { Control, type ControlOptions } from '../node/control/control.ts'
import { configuredKafka } from '../src/broker/kafka/configured.ts'
import type { Broker, BrokerEvent } from '../src/broker/port.ts'
import { ownTopics } from '../src/broker/price-topics.ts'
import { withAdmin } from '../src/broker/with-admin.ts'
import { systemClock } from '../src/clock.ts'
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

/** Lends what operators set for the service of the settings, read to its end, and closes it whatever happens. */
export async function withControl<T>(
  broker: Broker,
  { kafka, node }: Config,
  {
    settings,
    signal,
    body,
  }: Pick<ControlOptions, 'settings'> & {
    readonly signal: AbortSignal
    readonly body: (control: Control) => Promise<T>
  },
): Promise<T> {
  const topic = kafka.controlTopic
  await withAdmin(broker, (admin) => admin.createTopics(ownTopics(kafka, 1).filter((spec) => spec.topic === topic)))
  const producer = broker.producer()
  await producer.connect()
  const control = new Control({
    ...{ broker, producer, topic, settings, service: node.service, reader: randomUUID() },
    ...{ clock: systemClock, random: Math.random },
    onSet: () => undefined,
    onRefused: () => undefined,
    onEvent: () => undefined,
  })
  try {
    await control.follow(AbortSignal.any([signal, AbortSignal.timeout(FOLLOW_MS)]))
    return await body(control)
  } finally {
    await control.close()
    await producer.close()
  }
}

const FOLLOW_MS = 30_000

/** Who asks, as records of the control topic say it. */
export function operator(): string {
  try {
    return userInfo().username
  } catch {
    // A container may run under an id without a name.
    return 'an operator'
  }
}
