import { Kafka, type KafkaConfig, type LogEntry, logLevel, type RetryOptions, type SASLOptions } from 'kafkajs'
import { createSockets, type Sockets } from './socket.ts'

/** A warning or an error of KafkaJS's own log. */
export interface KafkaLogEvent {
  readonly level: 'error' | 'warn'
  readonly message: string
  /** KafkaJS's own fields: namespace, broker, group, error. */
  readonly details: Readonly<Record<string, unknown>>
}

/** A login with a user name and a password. */
export interface PasswordSasl {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
  readonly username: string
  readonly password: string
}

/** How a client reaches the brokers. */
export interface ClientOptions {
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly ssl?: KafkaConfig['ssl']
  readonly sasl?: PasswordSasl | KafkaConfig['sasl']
  /** How long opening a connection may take. Default 3,000. */
  readonly connectTimeoutMs?: number
  /** How long one answer may take. Default 30,000. */
  readonly requestTimeoutMs?: number
  readonly logger?: (event: KafkaLogEvent) => void
}

export interface KafkaClient {
  readonly kafka: Kafka
  readonly sockets: Sockets
}

/**
 * Passed to every client, because KafkaJS has other defaults under NODE_ENV=test. A connect gives up after about 1.5 s,
 * so that the caller hears of it and may retry.
 */
export const CLIENT_RETRY: Readonly<Required<Omit<RetryOptions, 'restartOnFailure'>>> = {
  initialRetryTime: 100,
  multiplier: 2,
  factor: 0.2,
  maxRetryTime: 1000,
  retries: 4,
}

/**
 * Every consumer, producer and admin has a client of its own. KafkaJS keeps a group's committed offsets in the client,
 * and two consumers of one group would overwrite each other's. Destroying a client's sockets leaves the others alone.
 */
export function createKafkaClient(options: ClientOptions): KafkaClient {
  const { logger } = options
  const sockets = createSockets()
  const kafka = new Kafka({
    brokers: [...options.brokers],
    clientId: options.clientId,
    ...(options.ssl === undefined ? {} : { ssl: options.ssl }),
    ...(options.sasl === undefined ? {} : { sasl: options.sasl as SASLOptions }),
    connectionTimeout: options.connectTimeoutMs ?? 3000,
    requestTimeout: options.requestTimeoutMs ?? 30_000,
    retry: { ...CLIENT_RETRY },
    socketFactory: sockets.factory,
    logLevel: logger === undefined ? logLevel.NOTHING : logLevel.WARN,
    logCreator: () => (entry) => logger?.(toLogEvent(entry)),
  })
  return { kafka, sockets }
}

function toLogEvent({ level, namespace, log }: LogEntry): KafkaLogEvent {
  const { message, timestamp: _timestamp, logger: _logger, ...details } = log
  return { level: level === logLevel.ERROR ? 'error' : 'warn', message, details: { namespace, ...details } }
}
