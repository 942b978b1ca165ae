import { BrokerError } from '../port.ts'

/** The fields of a KafkaJS error. Its class is another package's, and it may come wrapped in other errors. */
interface ClientFailure {
  readonly name: string
  readonly message: string
  /** The protocol's name of the error code. */
  readonly type: string | undefined
  readonly retriable: boolean | undefined
}

type Code = BrokerError['code']

const CODE_BY_TYPE: Readonly<Record<string, Code>> = {
  UNKNOWN_TOPIC_OR_PARTITION: 'unknown-topic',
  INVALID_TOPIC_EXCEPTION: 'refused',
  MESSAGE_TOO_LARGE: 'too-large',
  RECORD_LIST_TOO_LARGE: 'too-large',
  TOPIC_AUTHORIZATION_FAILED: 'not-authorized',
  GROUP_AUTHORIZATION_FAILED: 'not-authorized',
  CLUSTER_AUTHORIZATION_FAILED: 'not-authorized',
  SASL_AUTHENTICATION_FAILED: 'not-authorized',
  UNSUPPORTED_SASL_MECHANISM: 'not-authorized',
  SECURITY_DISABLED: 'not-authorized',
  LEADER_NOT_AVAILABLE: 'unreachable',
  NOT_LEADER_FOR_PARTITION: 'unreachable',
  REQUEST_TIMED_OUT: 'unreachable',
  BROKER_NOT_AVAILABLE: 'unreachable',
  REPLICA_NOT_AVAILABLE: 'unreachable',
  NETWORK_EXCEPTION: 'unreachable',
  GROUP_LOAD_IN_PROGRESS: 'unreachable',
  GROUP_COORDINATOR_NOT_AVAILABLE: 'unreachable',
  NOT_COORDINATOR_FOR_GROUP: 'unreachable',
  NOT_ENOUGH_REPLICAS: 'unreachable',
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: 'unreachable',
  NOT_CONTROLLER: 'unreachable',
  INVALID_PARTITIONS: 'refused',
  INVALID_REPLICATION_FACTOR: 'refused',
  INVALID_CONFIG: 'refused',
  INVALID_TIMESTAMP: 'refused',
  INVALID_RECORD: 'refused',
  INVALID_GROUP_ID: 'refused',
  INVALID_SESSION_TIMEOUT: 'refused',
  FENCED_INSTANCE_ID: 'refused',
  INCONSISTENT_GROUP_PROTOCOL: 'refused',
  GROUP_MAX_SIZE_REACHED: 'refused',
  NON_EMPTY_GROUP: 'refused',
  POLICY_VIOLATION: 'refused',
  UNSUPPORTED_COMPRESSION_TYPE: 'refused',
}

/** What KafkaJS's message leaves open. */
const REMEDY_BY_TYPE: Readonly<Record<string, string>> = {
  INCONSISTENT_GROUP_PROTOCOL:
    'the members of the group have no assigner in common with this one: those of Kafka’s own clients need ' +
    'cooperative-sticky in their partition.assignment.strategy',
  GROUP_AUTHORIZATION_FAILED: 'the right to READ this group is missing',
  TOPIC_AUTHORIZATION_FAILED:
    'a right to the topic is missing: DESCRIBE and READ to read it, WRITE to write to it, CREATE to make it, ALTER to ' +
    'give it partitions',
  CLUSTER_AUTHORIZATION_FAILED: 'the right to CREATE topics, or to ALTER the cluster, is missing',
}

/** A group that has members now may be empty later. The other refusals are final. */
const RETRIABLE_REFUSALS = new Set(['NON_EMPTY_GROUP', 'GROUP_MAX_SIZE_REACHED'])

const CODE_BY_NAME: Readonly<Record<string, Code>> = {
  KafkaJSConnectionError: 'unreachable',
  KafkaJSConnectionClosedError: 'unreachable',
  KafkaJSRequestTimeoutError: 'unreachable',
  KafkaJSBrokerNotFound: 'unreachable',
  KafkaJSNoBrokerAvailableError: 'unreachable',
  KafkaJSGroupCoordinatorNotFound: 'unreachable',
  KafkaJSMetadataNotLoaded: 'unreachable',
  KafkaJSTopicMetadataNotLoaded: 'unreachable',
  KafkaJSTimeout: 'unreachable',
  KafkaJSLockTimeout: 'unreachable',
  KafkaJSSASLAuthenticationError: 'not-authorized',
  KafkaJSNotImplemented: 'refused',
}

/** The port's error for an error of KafkaJS. `doing` opens the message. A BrokerError is returned as it is. */
export function toBrokerError(error: unknown, doing: string): BrokerError {
  if (error instanceof BrokerError) return error
  const failures = unwrap(error)
  // The innermost failure that is known is the reason. The errors around it only tell how often it was tried.
  for (const failure of failures.toReversed()) {
    const code = codeOf(failure)
    if (code === undefined) continue
    const retriable = code === 'unreachable' || code === 'unknown-topic' || RETRIABLE_REFUSALS.has(failure.type ?? '')
    const remedy = REMEDY_BY_TYPE[failure.type ?? '']
    const message = `${doing}: ${failure.message}${remedy === undefined ? '' : ` (${remedy})`}`
    return new BrokerError(code, message, { retriable, cause: error })
  }
  const innermost = failures.at(-1)
  return new BrokerError('failed', `${doing}: ${innermost?.message ?? String(error)}`, {
    retriable: innermost?.retriable ?? false,
    cause: error,
  })
}

/** The protocol's name of the innermost error code; undefined if there is none. */
export function protocolType(error: unknown): string | undefined {
  return unwrap(error).findLast(({ type }) => type !== undefined)?.type
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function codeOf({ name, type }: ClientFailure): Code | undefined {
  return (type === undefined ? undefined : CODE_BY_TYPE[type]) ?? CODE_BY_NAME[name]
}

/** The error and those within it, outermost first. */
function unwrap(error: unknown): ClientFailure[] {
  const failures: ClientFailure[] = []
  const seen = new Set<unknown>()
  let current = error
  while (typeof current === 'object' && current !== null && !seen.has(current)) {
    seen.add(current)
    const { name, message, type, retriable, cause, errors } = current as Record<string, unknown>
    failures.push({
      name: String(name),
      message: String(message),
      type: typeof type === 'string' ? type : undefined,
      retriable: typeof retriable === 'boolean' ? retriable : undefined,
    })
    current = cause ?? (Array.isArray(errors) ? errors[0] : undefined)
  }
  return failures
}

export function unknownTopics(topics: readonly string[]): BrokerError {
  return new BrokerError('unknown-topic', `no topic ${topics.join(', ')} (create it with \`forewarm topics create\`)`, {
    retriable: true,
  })
}
