import { Kafka, type KafkaConfig, logLevel, type RetryOptions, type SASLOptions } from 'kafkajs'
import { createSockets, type Sockets } from './socket.ts'

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
}

export interface KafkaClient {
  readonly kafka: Kafka
  readonly sockets: Sockets
}

/**
 * KafkaJS has other defaults under NODE_ENV=test. A connect gives up after about 1.5 s, so that the caller hears of it
 * and may retry.
 */
const CLIENT_RETRY: Readonly<Required<Omit<RetryOptions, 'restartOnFailure'>>> = {
  initialRetryTime: 100,
  multiplier: 2,
  factor: 0.2,
  maxRetryTime: 1000,
  retries: 4,
}

/** For an admin's own use: destroying its sockets leaves other clients alone. KafkaJS's log is turned off. */
export function createKafkaClient(options: ClientOptions): KafkaClient {
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
    logLevel: logLevel.NOTHING,
  })
  return { kafka, sockets }
}
