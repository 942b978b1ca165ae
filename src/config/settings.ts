import type { TopicRole } from '../../schemas/topics.ts'
import { STRATEGY_LIMITS, STRATEGY_NAMES, type StrategyName } from '../strategy/named.ts'
import { CACHE_SETTINGS } from './cache-settings.ts'
import {
  type Check,
  decimal,
  hostPort,
  integer,
  listOf,
  oneOf,
  pem,
  secretText,
  type TopicSelection,
  text,
  topicName,
  topicSelection,
} from './check.ts'
import { type Default, fixed, onOff, optional, type Setting, setting, whole } from './setting.ts'

/**
 * The one table of settings. The outer keys are the groups of the Config object and of the file, the inner keys the
 * names in them; checks, `--help` and docs/configuration.md all come from here.
 */

export const ROLES = ['correlate', 'detect', 'warm', 'api'] as const
export const PROFILES = ['development', 'staging', 'production'] as const

export type Role = (typeof ROLES)[number]
export type Profile = (typeof PROFILES)[number]

const STRATEGY_ALIASES = { topn: 'top-n', timebased: 'time-based', time_based: 'time-based' } as const
const DAY_MS = 86_400_000

function byStrategy(limit: 'maxPairs' | 'minScore'): Default<number> {
  const words = STRATEGY_NAMES.map((name) => `${STRATEGY_LIMITS[name][limit]} (${name})`).join(', ')
  return {
    kind: 'derived',
    words,
    of: (chosen) => {
      const strategy = STRATEGY_NAMES.find((name) => name === chosen('WARMING_STRATEGY')) ?? 'forewarm'
      return STRATEGY_LIMITS[strategy][limit]
    },
  }
}

function topic(name: string, role: TopicRole, doc: string): Setting<string> {
  return setting({ name, check: topicName, default: fixed<string>(role), doc })
}

const brokers: Check<readonly string[]> = listOf(hostPort, 'host:port, several separated by commas')
const roles: Check<readonly Role[]> = listOf(oneOf(ROLES), `${ROLES.join(', ')}: any of them, separated by commas`)

const clusterIds: Check<readonly string[]> = listOf(
  text('the id of a cluster', /^[A-Za-z0-9._-]{1,128}$/),
  'ids of clusters, separated by commas',
)

export const SETTINGS = {
  kafka: {
    brokers: setting({
      name: 'KAFKA_BROKERS',
      check: brokers,
      default: fixed<readonly string[]>(['127.0.0.1:9092']),
      doc: 'Where the cluster is asked for first; one broker that answers is enough.',
    }),
    ssl: onOff('KAFKA_SSL', false, 'Speak TLS to the brokers; a CA or certificate of your own needs it too.'),
    sslCa: optional({ name: 'KAFKA_SSL_CA', check: pem('CERTIFICATE'), doc: 'The authority that signed the brokers.' }),
    sslCert: optional({
      name: 'KAFKA_SSL_CERT',
      check: pem('CERTIFICATE'),
      doc: 'This node’s own certificate, where the brokers ask for one; together with KAFKA_SSL_KEY.',
    }),
    sslKey: optional({
      name: 'KAFKA_SSL_KEY',
      check: pem('PRIVATE KEY'),
      doc: 'The key of KAFKA_SSL_CERT.',
      secret: 'all',
    }),
    saslMechanism: optional({
      name: 'KAFKA_SASL_MECHANISM',
      check: oneOf(['plain', 'scram-sha-256', 'scram-sha-512']),
      doc: 'How this node logs in at the brokers; needs user name and password.',
    }),
    saslUsername: optional({ name: 'KAFKA_SASL_USERNAME', check: secretText, doc: 'The user name at the brokers.' }),
    saslPassword: optional({
      name: 'KAFKA_SASL_PASSWORD',
      check: secretText,
      doc: 'The password at the brokers.',
      secret: 'all',
    }),
    startTimeoutMs: whole(
      'KAFKA_START_TIMEOUT_MS',
      [0, DAY_MS, 60_000],
      'How long a Kafka that does not answer is tried again at start before the node gives up, in milliseconds.',
    ),
    protectedClusters: optional({
      name: 'KAFKA_PROTECTED_CLUSTERS',
      check: clusterIds,
      doc: 'Ids of clusters that `forewarm replay` never writes to unless it is told twice.',
    }),
    priceTopics: setting<TopicSelection>({
      name: 'PRICE_TOPICS',
      check: topicSelection,
      default: fixed<TopicSelection>(/^prices\./),
      doc: 'The topics that carry price updates; a pattern never matches a dead-letter topic or a topic of Forewarm’s own.',
    }),
    warmRequestsTopic: topic('WARM_REQUESTS_TOPIC', 'warm-requests', 'Where warm requests travel.'),
    warmResultsTopic: topic('WARM_RESULTS_TOPIC', 'warm-results', 'Where nodes say what became of a warm request.'),
  },
  node: {
    service: setting({
      name: 'FOREWARM_SERVICE',
      check: text('1 to 64 letters, digits, dots, underscores and hyphens', /^[A-Za-z0-9._-]{1,64}$/),
      default: fixed('default'),
      doc: 'Scopes the consumer group and all that is learnt, so that two services over one cluster stay apart.',
    }),
    roles: setting({
      name: 'FOREWARM_ROLES',
      check: roles,
      default: fixed<readonly Role[]>(ROLES),
      doc: 'What this node does.',
    }),
    profile: setting({
      name: 'FOREWARM_PROFILE',
      check: oneOf(PROFILES),
      default: fixed<Profile>('production'),
      doc: 'A set of defaults; `npm start` uses development. Only development reads a `.env` file.',
    }),
    lookAhead: setting({
      name: 'LOOK_AHEAD',
      check: oneOf(['off', 'overlap', 'await']),
      default: fixed<'off' | 'overlap' | 'await'>('overlap'),
      doc: 'Whether the reads known for the next updates of a batch are fetched before their handlers run, and whether these wait for it.',
    }),
    lookAheadMs: whole(
      'LOOK_AHEAD_MS',
      [0, 1000, 2],
      'How long handlers wait for it at most, in milliseconds (await).',
    ),
    detectorConcurrency: whole(
      'DETECTOR_CONCURRENCY',
      [1, 65_536, 64],
      'For how many pairs handlers may be under way at once.',
    ),
    detectorTimeoutMs: whole(
      'DETECTOR_TIMEOUT_MS',
      [1, 600_000, 1000],
      'After how many milliseconds a handler that has not settled is counted and left behind.',
    ),
    drainTimeoutMs: whole(
      'DRAIN_TIMEOUT_MS',
      [0, 600_000, 1000],
      'How many milliseconds a closing node waits for the batches in hand; one that takes longer comes again, to whoever reads on.',
    ),
  },
  warming: {
    enabled: onOff('WARMING_ENABLED', true, 'Off: nothing is warmed; updates and reads go on.'),
    rollout: setting({
      name: 'WARMING_ROLLOUT',
      check: oneOf(['off', 'full']),
      default: fixed<'off' | 'full'>('full'),
      doc: 'How much of the traffic is warmed. The more careful of this and WARMING_ENABLED wins.',
    }),
    controlShare: setting({
      name: 'WARMING_CONTROL_SHARE',
      check: decimal(0, 0.5),
      default: fixed(0.02),
      doc: 'The share of the updates for which nothing is warmed, so that what warming brings is measured; 0: nobody knows.',
    }),
    strategy: setting({
      name: 'WARMING_STRATEGY',
      check: oneOf(STRATEGY_NAMES, STRATEGY_ALIASES),
      default: fixed<StrategyName>('forewarm'),
      doc: 'What decides which pairs are worth warming.',
    }),
    maxPairs: setting({
      name: 'WARMING_MAX_PAIRS',
      check: integer(1, 1000),
      default: byStrategy('maxPairs'),
      doc: 'How many pairs one update may warm at most.',
    }),
    minScore: setting({
      name: 'WARMING_MIN_SCORE',
      check: decimal(0, 1),
      default: byStrategy('minScore'),
      doc: 'The probability of being read, from 0 to 1, below which a pair is not warmed.',
    }),
    timeoutMs: whole(
      'WARMING_TIMEOUT_MS',
      [1, 600_000, 50],
      'After how many milliseconds a warm ends with what it has; the rest counts as timed out.',
    ),
  },
  correlation: {
    top: whole('CORRELATION_TOP', [1, 16, 8], 'How many followers are kept for a pair: those read after its updates.'),
    maxTrackedPairs: whole(
      'MAX_TRACKED_PAIRS',
      [1, 10_000_000, 100_000],
      'For how many pairs correlations are kept at a time, and reads by the hour. One that was not seen for long makes room for a new one, of reads one that was not read in the hours remembered; where there is none, the new one is served, not learned from, and counted.',
    ),
    windowMs: whole(
      'CORRELATION_WINDOW_MS',
      [150, 1_000, 1_000],
      'How many milliseconds after a pair its followers are looked for by statistics.',
    ),
    mining: setting({
      name: 'CORRELATION_MINING',
      check: oneOf(['thread', 'steps', 'off']),
      default: fixed('thread'),
      doc: 'Where pairs are found that follow others by statistics: in a thread of its own, in steps between updates, or nowhere.',
    }),
  },
  prediction: {
    enabled: onOff('PREDICTION_ENABLED', true, 'Reads are remembered by the hour, and recommendations made from them.'),
    historyHours: whole('PATTERN_HISTORY_HOURS', [24, 1_680, 168], 'For how many hours reads are remembered.'),
    store: optional({
      name: 'PATTERN_STORE',
      check: text('the path of a file; Redis keeps none', /^(?!redis$)[^\0]{1,4096}$/),
      doc: 'The file, each node its own, that reads are remembered in when the node is closed, and every 15 minutes; without it they are forgotten.',
    }),
  },
  cache: CACHE_SETTINGS,
  http: {
    port: whole('METRICS_PORT', [0, 65_535, 9090], 'The port of `/metrics` and the health checks; 0 takes a free one.'),
    host: setting({
      name: 'METRICS_HOST',
      check: text('a host name or an address', /^[A-Za-z0-9.:_-]{1,253}$/),
      default: fixed('127.0.0.1'),
      doc: 'The address to listen on. Any but a loopback address needs FOREWARM_TOKEN.',
    }),
    token: optional({
      name: 'FOREWARM_TOKEN',
      check: text('8 to 512 visible ASCII characters', /^[\x21-\x7e]{8,512}$/),
      doc: 'The bearer token of callers from other machines.',
      secret: 'all',
    }),
    metricsAuth: onOff('METRICS_AUTH', false, 'Other machines need the token for `/metrics` too.'),
  },
  metrics: {
    enabled: onOff('WARMING_METRICS_ENABLED', true, 'Off: no `/metrics`; what happens is still counted.'),
    prefix: setting({
      name: 'METRICS_PREFIX',
      check: text('letters, digits and underscores, not starting with a digit', /^[A-Za-z_][A-Za-z0-9_]{0,63}$/),
      default: fixed('arbitrage_'),
      doc: 'What the names of the metrics start with.',
    }),
  },
}

type Table = typeof SETTINGS
type ValueOf<S> = S extends Setting<infer T> ? T : never

/** Every setting, by group and name; deeply frozen. */
export type Config = {
  readonly [G in keyof Table]: { readonly [K in keyof Table[G]]: ValueOf<Table[G][K]> }
}

/** What a caller says for itself: any part of the Config. Values are checked like everybody else's. */
export type Overrides = {
  readonly [G in keyof Table]?: { readonly [K in keyof Table[G]]?: ValueOf<Table[G][K]> | undefined } | undefined
}

export interface SettingPlace {
  readonly group: string
  readonly key: string
  readonly row: Setting<unknown>
}

/** The table row by row, in order. */
export const SETTING_PLACES: readonly SettingPlace[] = Object.entries(SETTINGS).flatMap(([group, rows]) =>
  Object.entries<Setting<unknown>>(rows).map(([key, row]) => ({ group, key, row })),
)

/** What a profile says differently from the defaults, by setting. */
export const PROFILE_VALUES: Readonly<Record<Profile, Readonly<Record<string, unknown>>>> = {
  development: { WARMING_TIMEOUT_MS: 100 },
  staging: {},
  production: {},
}
