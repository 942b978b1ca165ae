import type { TopicRole } from '../../../schemas/topics.ts'
import {
  type Check,
  hostPort,
  listOf,
  oneOf,
  pem,
  registryUrl,
  secretText,
  type TopicSelection,
  text,
  topicName,
  topicSelection,
} from '../check.ts'
import { atStart, fixed, onOff, optional, type Row, setting, whole } from '../setting.ts'

const DAY_MS = 86_400_000

function topic(name: string, role: TopicRole, doc: string): Row<string> {
  return setting({ name, check: topicName, default: fixed<string>(role), doc })
}

const brokers: Check<readonly string[]> = listOf(hostPort, 'host:port, several separated by commas')

const clusterIds: Check<readonly string[]> = listOf(
  text('the id of a cluster', /^[A-Za-z0-9._-]{1,128}$/),
  'ids of clusters, separated by commas',
)

const CONNECTION = {
  brokers: setting({
    name: 'KAFKA_BROKERS',
    check: brokers,
    default: fixed<readonly string[]>(['127.0.0.1:9092']),
    doc: 'The brokers to connect to first. It is enough if one of them answers.',
  }),
  ssl: onOff('KAFKA_SSL', false, 'On: connect to the brokers with TLS. The other KAFKA_SSL settings need it.'),
  sslCa: optional({
    name: 'KAFKA_SSL_CA',
    check: pem('CERTIFICATE'),
    doc: 'The authority that signed the brokers’ certificates.',
  }),
  sslCert: optional({
    name: 'KAFKA_SSL_CERT',
    check: pem('CERTIFICATE'),
    doc: 'The certificate of this node, if the brokers ask for one. It needs KAFKA_SSL_KEY.',
  }),
  sslKey: optional({
    name: 'KAFKA_SSL_KEY',
    check: pem('PRIVATE KEY'),
    doc: 'The private key of KAFKA_SSL_CERT.',
    secret: 'all',
  }),
  saslMechanism: optional({
    name: 'KAFKA_SASL_MECHANISM',
    check: oneOf(['plain', 'scram-sha-256', 'scram-sha-512']),
    doc: 'How this node logs in to the brokers. It needs KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD.',
  }),
  saslUsername: optional({ name: 'KAFKA_SASL_USERNAME', check: secretText, doc: 'The user name for the brokers.' }),
  saslPassword: optional({
    name: 'KAFKA_SASL_PASSWORD',
    check: secretText,
    doc: 'The password for the brokers.',
    secret: 'all',
  }),
  startTimeoutMs: whole(
    'KAFKA_START_TIMEOUT_MS',
    [0, DAY_MS, 60_000],
    'How long a node retries at start while Kafka does not answer, in milliseconds. Then it gives up.',
  ),
  deliveryTimeoutMs: whole(
    'KAFKA_DELIVERY_TIMEOUT_MS',
    [100, DAY_MS, 30_000],
    'How long a producer retries to have a record stored, in milliseconds. Then the record is rejected.',
  ),
  produceCompression: setting({
    name: 'PRODUCE_COMPRESSION',
    check: oneOf(['none', 'gzip', 'snappy', 'lz4', 'zstd']),
    default: fixed<'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'>('none'),
    doc: 'What all records are compressed with that a node or a command writes. All of them are read, whatever is set.',
  }),
}

const GROUP = {
  start: setting({
    name: 'KAFKA_START',
    check: oneOf(['latest', 'earliest']),
    default: fixed<'latest' | 'earliest'>('latest'),
    doc: 'Where a group without committed offsets begins to read. New partitions of a topic are read from their start.',
  }),
  fetchWaitMs: whole(
    'KAFKA_FETCH_WAIT_MS',
    [0, 5_000, 20],
    'How long a broker waits for records before it answers a fetch with none, in milliseconds.',
  ),
  metadataAgeMs: whole(
    'KAFKA_METADATA_AGE_MS',
    [100, 600_000, 4_000],
    'How often the topics are looked at, in milliseconds. New partitions and leaders are noticed at most so late.',
  ),
  sessionTimeoutMs: whole(
    'KAFKA_SESSION_TIMEOUT_MS',
    [1_000, 1_800_000, 10_000],
    'A node that Kafka has not heard of for so long loses its partitions to others, in milliseconds.',
  ),
  heartbeatMs: whole(
    'KAFKA_HEARTBEAT_MS',
    [10, 60_000, 250],
    'How often a node tells its group that it is there, in milliseconds. It learns of a rebalance at most so late.',
  ),
  groupInstanceId: optional({
    name: 'KAFKA_GROUP_INSTANCE_ID',
    check: text('1 to 128 letters, digits, dots, underscores and hyphens', /^[A-Za-z0-9._-]{1,128}$/),
    doc: 'The lasting name of this node in its group. With it a restart within the session moves no partitions.',
  }),
}

const COMMANDS = {
  protectedClusters: optional({
    name: 'KAFKA_PROTECTED_CLUSTERS',
    check: clusterIds,
    doc: 'Ids of clusters to which `forewarm replay` writes only if it is told so twice.',
  }),
}

const TOPICS = {
  priceTopics: setting<TopicSelection>({
    name: 'PRICE_TOPICS',
    check: topicSelection,
    default: fixed<TopicSelection>(/^prices\./),
    doc: 'The topics that carry price updates. A pattern never matches a dead-letter topic or a topic of Forewarm’s own.',
  }),
  warmRequestsTopic: topic('WARM_REQUESTS_TOPIC', 'warm-requests', 'The topic of warm requests.'),
  warmResultsTopic: topic('WARM_RESULTS_TOPIC', 'warm-results', 'The topic of the nodes’ answers to warm requests.'),
  correlationsTopic: topic('CORRELATIONS_TOPIC', 'correlations', 'The compacted topic of what nodes have learned.'),
  controlTopic: topic(
    'CONTROL_TOPIC',
    'forewarm-control',
    'The compacted topic of what operators set while nodes run: the rollout, and settings.',
  ),
}

/** Settings that say where Kafka is, how a node logs in, which topics it reads and how it reads them. */
export const KAFKA_SETTINGS = {
  ...atStart('the connections to the brokers are made with it', CONNECTION),
  ...atStart('the node joins its group with it', GROUP),
  ...atStart('commands read it, and no node does', COMMANDS),
  ...atStart('the consumers and producers are made for these topics', TOPICS),
}

/** Settings that say where the schemas are by which foreign records were written, and how a node logs in there. */
export const SCHEMA_REGISTRY_SETTINGS = atStart('the connection to the registry is made with it', {
  url: optional({
    name: 'SCHEMA_REGISTRY_URL',
    check: registryUrl,
    doc: 'The schema registry (Confluent’s API) of the formats with `"schema": "registry"`.',
    secret: 'url-password',
  }),
  username: optional({
    name: 'SCHEMA_REGISTRY_USERNAME',
    check: secretText,
    doc: 'The user name, or the API key, for the registry. It needs SCHEMA_REGISTRY_PASSWORD.',
  }),
  password: optional({
    name: 'SCHEMA_REGISTRY_PASSWORD',
    check: secretText,
    doc: 'The password, or the secret of the API key, for the registry.',
    secret: 'all',
  }),
  token: optional({
    name: 'SCHEMA_REGISTRY_TOKEN',
    check: secretText,
    doc: 'A bearer token for the registry, instead of a user name and a password.',
    secret: 'all',
  }),
  sslCa: optional({
    name: 'SCHEMA_REGISTRY_SSL_CA',
    check: pem('CERTIFICATE'),
    doc: 'The authority that signed the registry’s certificate.',
  }),
})
