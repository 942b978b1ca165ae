import { createRequire } from 'node:module'
import type { Socket } from 'node:net'
import type { ISocketFactory, KafkaConfig } from 'kafkajs'

/**
 * The inside of KafkaJS 2.2.4 that the stream loop stands on: one connection with its queue of requests, and how a
 * connection learns versions and logs in. Nothing else of KafkaJS's inside is used; a test holds this file against the
 * published package.
 */
export const KAFKAJS_VERSION = '2.2.4'

const require = createRequire(import.meta.url)

/** As KafkaJS takes a request: `encode` resolves to something with the bytes three times over. */
export interface ProtocolRequest<T> {
  readonly request: {
    readonly apiKey: number
    readonly apiVersion: number
    readonly apiName: string
    encode(): Promise<{ readonly buf: Buffer; readonly buffer: Buffer; size(): number }>
  }
  readonly response: {
    /** Decodes the answer behind its correlation id. KafkaJS obeys `clientSideThrottleTime`. */
    decode(bytes: Buffer): Promise<{ readonly clientSideThrottleTime: number; readonly answer: T }>
    parse(decoded: { readonly answer: T }): Promise<T>
  }
  readonly logResponseError?: boolean
}

export type Versions = Readonly<Record<number, { readonly minVersion: number; readonly maxVersion: number }>>

export interface KafkaJsConnection {
  readonly sasl: unknown
  socket: Socket | undefined
  connectionStatus: string
  /** Set while it logs in: answers go to the authenticator. */
  readonly authHandlers: unknown
  readonly requestQueue: {
    fulfillRequest(answer: { readonly correlationId: number; readonly payload: Buffer; readonly size: number }): void
    destroy(): void
  }
  connect(): Promise<unknown>
  isConnected(): boolean
  isAuthenticated(): boolean
  authenticate(): Promise<void>
  setVersions(versions: Versions): void
  setSupportAuthenticationProtocol(isSupported: boolean): void
  send<T>(request: ProtocolRequest<T>): Promise<T>
  processData(bytes: Buffer): void
  rejectRequests(error: Error): void
}

export interface ConnectionOptions {
  readonly host: string
  readonly port: number
  readonly clientId: string
  readonly connectionTimeout: number
  readonly socketFactory: ISocketFactory
  readonly ssl: KafkaConfig['ssl'] | null
  readonly sasl: unknown
}

/** Nobody reads KafkaJS's log: what goes wrong rejects a request. */
const SILENT = { namespace: () => SILENT, debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

/** Not connected yet. Timeouts of requests are ours: KafkaJS's own would count only above 30 s. */
export function newConnection(options: ConnectionOptions): KafkaJsConnection {
  const { version } = require('kafkajs/package.json') as { version: string }
  if (version !== KAFKAJS_VERSION) throw new Error(`KafkaJS ${KAFKAJS_VERSION} is needed, ${version} is installed`)
  const Connection = require('kafkajs/src/network/connection') as new (options: unknown) => KafkaJsConnection
  return new Connection({ ...options, logger: SILENT, requestTimeout: 30_000, enforceRequestTimeout: false })
}

const SASL_AUTHENTICATE = 36

/** Asks the broker for the versions of every request that it takes, and tells the connection how to log in. */
export async function negotiate(connection: KafkaJsConnection): Promise<Versions> {
  const { protocol } = require('kafkajs/src/protocol/requests/apiVersions') as {
    protocol(choice: { version: number }): () => ProtocolRequest<{ apiVersions: readonly ApiVersion[] }>
  }
  const { apiVersions } = await connection.send(protocol({ version: 2 })())
  const versions: Versions = Object.fromEntries(apiVersions.map(({ apiKey, ...range }) => [apiKey, range]))
  connection.setVersions(versions)
  connection.setSupportAuthenticationProtocol(versions[SASL_AUTHENTICATE] !== undefined)
  return versions
}

interface ApiVersion {
  readonly apiKey: number
  readonly minVersion: number
  readonly maxVersion: number
}

interface ProtocolError extends Error {
  readonly type: string
  readonly code: number
  readonly retriable: boolean
}

/** KafkaJS's own table ends at code 88. */
const FIRST_NEWER_CODE = 89
/** The names of the next codes in their order, from `org.apache.kafka.common.protocol.Errors` of Kafka 4.1. */
const NEWER_NAMES = `
  THROTTLING_QUOTA_EXCEEDED PRODUCER_FENCED RESOURCE_NOT_FOUND DUPLICATE_RESOURCE UNACCEPTABLE_CREDENTIAL
  INCONSISTENT_VOTER_SET INVALID_UPDATE_VERSION FEATURE_UPDATE_FAILED PRINCIPAL_DESERIALIZATION_FAILURE
  SNAPSHOT_NOT_FOUND POSITION_OUT_OF_RANGE UNKNOWN_TOPIC_ID DUPLICATE_BROKER_REGISTRATION BROKER_ID_NOT_REGISTERED
  INCONSISTENT_TOPIC_ID INCONSISTENT_CLUSTER_ID TRANSACTIONAL_ID_NOT_FOUND FETCH_SESSION_TOPIC_ID_ERROR
  INELIGIBLE_REPLICA NEW_LEADER_ELECTED OFFSET_MOVED_TO_TIERED_STORAGE FENCED_MEMBER_EPOCH UNRELEASED_INSTANCE_ID
  UNSUPPORTED_ASSIGNOR STALE_MEMBER_EPOCH MISMATCHED_ENDPOINT_TYPE UNSUPPORTED_ENDPOINT_TYPE UNKNOWN_CONTROLLER_ID
  UNKNOWN_SUBSCRIPTION_ID TELEMETRY_TOO_LARGE INVALID_REGISTRATION TRANSACTION_ABORTABLE INVALID_RECORD_STATE
  SHARE_SESSION_NOT_FOUND INVALID_SHARE_SESSION_EPOCH FENCED_STATE_EPOCH INVALID_VOTER_KEY DUPLICATE_VOTER
  VOTER_NOT_FOUND INVALID_REGULAR_EXPRESSION REBOOTSTRAP_REQUIRED STREAMS_INVALID_TOPOLOGY
  STREAMS_INVALID_TOPOLOGY_EPOCH STREAMS_TOPOLOGY_FENCED SHARE_SESSION_LIMIT_REACHED
`
  .trim()
  .split(/\s+/)
const NEWER_RETRIABLE = new Set([89, 100, 103, 106, 122, 123, 133])

/** KafkaJS's error for a code of the protocol: its `type` is the protocol's name, `retriable` what the protocol says. */
export function errorOfCode(code: number): ProtocolError {
  const type = NEWER_NAMES[code - FIRST_NEWER_CODE]
  if (type === undefined) {
    const { createErrorFromCode } = require('kafkajs/src/protocol/error') as {
      createErrorFromCode(code: number): ProtocolError
    }
    return createErrorFromCode(code)
  }
  const { KafkaJSProtocolError } = require('kafkajs') as {
    KafkaJSProtocolError: new (facts: object) => ProtocolError
  }
  const message = `${type} (error code ${code})`
  return new KafkaJSProtocolError({ type, code, message, retriable: NEWER_RETRIABLE.has(code) })
}
