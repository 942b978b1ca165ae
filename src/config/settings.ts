import { DEFAULT_SERVICE } from '../../schemas/topics.ts'
import { LOOK_AHEAD_MODES, type LookAheadMode } from '../strategy/named.ts'
import { type Check, decimal, hostName, listOf, oneOf, pem, text } from './check.ts'
import { CACHE_SETTINGS } from './groups/cache-settings.ts'
import { KAFKA_SETTINGS, SCHEMA_REGISTRY_SETTINGS } from './groups/kafka-settings.ts'
import { ROLLOUT_SETTINGS } from './groups/rollout-settings.ts'
import { SCHEDULE_SETTINGS } from './groups/schedule-settings.ts'
import { STRATEGY_SETTINGS } from './groups/strategy-settings.ts'
import { TASK_SETTINGS } from './groups/task-settings.ts'
import { atStart, fixed, onOff, optional, type Setting, setting, whileRunning, whole } from './setting.ts'

/**
 * The one table of settings. Its outer keys are the groups of the Config object and of the file, its inner keys the names
 * in them. Checks, `--help` and docs/configuration.md are made from it.
 */

export const ROLES = ['correlate', 'detect', 'warm', 'api'] as const
export const PROFILES = ['development', 'staging', 'production'] as const

export type Role = (typeof ROLES)[number]
/** The name of a set of defaults. */
export type Profile = (typeof PROFILES)[number]

const token = text('8 to 512 visible ASCII characters', /^[\x21-\x7e]{8,512}$/)

const roles: Check<readonly Role[]> = listOf(oneOf(ROLES), `${ROLES.join(', ')}: any of them, separated by commas`)

/** The group of the service `a` with one role is `forewarm.a.correlate`. No other service may have it as its own. */
const serviceName = text(
  '1 to 64 letters, digits, dots, underscores and hyphens, not ending in .correlate, .detect or .schedules',
  /^(?!.*\.(?:correlate|detect|schedules)$)[A-Za-z0-9._-]{1,64}$/,
)

export const SETTINGS = {
  kafka: KAFKA_SETTINGS,
  schemaRegistry: SCHEMA_REGISTRY_SETTINGS,
  node: {
    ...atStart('groups, keys and parts of the node are named and made by it', {
      service: setting({
        name: 'FOREWARM_SERVICE',
        check: serviceName,
        default: fixed(DEFAULT_SERVICE),
        doc: 'The name of the service. It is part of consumer groups and of keys in Redis, and warm requests and results carry it, so that services over one Kafka and one Redis stay apart.',
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
        doc: 'A set of defaults. `npm start` uses development. Only development reads a `.env` file.',
      }),
    }),
    ...whileRunning({
      lookAhead: setting({
        name: 'LOOK_AHEAD',
        check: oneOf(LOOK_AHEAD_MODES),
        default: {
          kind: 'derived',
          words: '`auto`, or `await` where WARMING_ASYNC is false',
          of: (chosen): LookAheadMode => (chosen('WARMING_ASYNC') === false ? 'await' : 'auto'),
        },
        doc: 'Whether the reads known for the next updates of a batch are prefetched before their handlers run (overlap), and whether the handlers wait for them (await). With auto they wait only where such a read would miss, and nothing is prefetched while the known reads do not foretell the next ones.',
      }),
      lookAheadMs: whole(
        'LOOK_AHEAD_MS',
        [0, 1000, 2],
        'The longest time that handlers wait for prefetched reads with `LOOK_AHEAD=auto` or `await`, in milliseconds.',
      ),
    }),
    ...atStart('the runner of the detectors is made with it', {
      detectorConcurrency: whole(
        'DETECTOR_CONCURRENCY',
        [1, 65_536, 64],
        'The number of pairs whose handlers may run at the same time.',
      ),
      detectorTimeoutMs: whole(
        'DETECTOR_TIMEOUT_MS',
        [1, 600_000, 1000],
        'The time after which the node no longer waits for a handler and counts it as timed out, in milliseconds.',
      ),
      detectorFaults: setting({
        name: 'DETECTOR_FAULTS',
        check: oneOf(['go-on', 'end']),
        default: fixed<'go-on' | 'end'>('go-on'),
        doc: 'What a node does after an error of a detector in a timer or after a forgotten `await`. It goes on, or it drains, commits and ends the process with exit code 1 (end).',
      }),
    }),
    ...atStart('whoever supervises the process relies on it', {
      drainTimeoutMs: whole(
        'DRAIN_TIMEOUT_MS',
        [0, 600_000, 1000],
        'How long a closing node waits for the batches that it is handling, in milliseconds. A batch that takes longer is delivered again, to the next owner of its partition.',
      ),
      watchdogMs: whole(
        'WATCHDOG_MS',
        [0, 86_400_000, 30_000],
        'A node whose event loop stands still for so long ends its process with exit code 70, in milliseconds. 0: never.',
      ),
    }),
  },
  warming: {
    ...ROLLOUT_SETTINGS,
    ...whileRunning({
      ...STRATEGY_SETTINGS,
      async: onOff(
        'WARMING_ASYNC',
        true,
        'Off: handlers wait for all prefetched reads, up to LOOK_AHEAD_MS, as LOOK_AHEAD is then `await` unless it is set. A warm request makes no update wait, on or off, as it is carried out just before its read.',
      ),
      timeoutMs: whole(
        'WARMING_TIMEOUT_MS',
        [1, 600_000, 50],
        'The time after which a warm ends, in milliseconds. Pairs that have not arrived by then count as timed out.',
      ),
    }),
  },
  tasks: TASK_SETTINGS,
  schedules: SCHEDULE_SETTINGS,
  correlation: atStart('what was learned is laid out by it', {
    top: whole('CORRELATION_TOP', [1, 16, 8], 'The most pairs remembered as read after a pair’s updates.'),
    maxTrackedPairs: whole(
      'MAX_TRACKED_PAIRS',
      [1, 10_000_000, 100_000],
      'The most pairs for which correlations are kept, and for which reads are remembered by the hour. When there is no room, a new pair replaces one that has not been seen for long, or one without a remembered read. If there is none, the new pair is served and counted, but nothing is learned from it.',
    ),
    windowMs: whole(
      'CORRELATION_WINDOW_MS',
      [150, 1_000, 1_000],
      'How long after the updates of a pair statistics look for its followers, in milliseconds.',
    ),
    mining: setting({
      name: 'CORRELATION_MINING',
      check: oneOf(['thread', 'steps', 'off']),
      default: fixed('thread'),
      doc: 'Where statistics find the pairs that follow others: in a thread of their own, in steps between updates, or not at all.',
    }),
    from: optional({
      name: 'CORRELATIONS_FROM',
      check: serviceName,
      doc: 'Another service, of which a node takes over at its start what it has learned of leaders that its own service knows nothing of. Nothing is written for that service.',
    }),
  }),
  prediction: atStart('the memory of reads is laid out by it, and restored at start', {
    enabled: onOff('PREDICTION_ENABLED', true, 'On: reads are remembered by the hour, for recommendations.'),
    confidence: setting({
      name: 'PREDICTION_CONFIDENCE',
      check: decimal(0, 1),
      default: fixed(0.7),
      doc: 'A task for the pairs that follow others has the priority high if the surest of them is read with this probability, else medium, unless the caller names one.',
    }),
    historyHours: whole('PATTERN_HISTORY_HOURS', [24, 1_680, 168], 'How long reads are remembered, in hours.'),
    store: optional({
      name: 'PATTERN_STORE',
      check: text('redis, or the path of a file', /^[^\0]{1,4096}$/),
      doc: 'Where remembered reads are saved, every 15 minutes and when the node closes. `redis`: in REDIS_URL, for all nodes of the service together. Otherwise a file; each node needs its own. Without it, a restart forgets them.',
    }),
  }),
  cache: CACHE_SETTINGS,
  http: atStart('the server listens with it', {
    port: whole('METRICS_PORT', [0, 65_535, 9090], 'The port of `/metrics` and health checks; 0 takes a free port.'),
    host: setting({
      name: 'METRICS_HOST',
      check: hostName,
      default: fixed('127.0.0.1'),
      doc: 'The address to listen on. Any address but a loopback address needs FOREWARM_TOKEN. Host has to name it, or a loopback address; with 0.0.0.0 or :: it may be any address, with METRICS_TLS_CERT any name of the certificate.',
    }),
    token: optional({
      name: 'FOREWARM_TOKEN',
      check: token,
      doc: 'The bearer token that callers from other machines must send, and those that come through a proxy. It may read and operate.',
      secret: 'all',
    }),
    readToken: optional({
      name: 'FOREWARM_READ_TOKEN',
      check: token,
      doc: 'A second bearer token, which may only read (GET and HEAD).',
      secret: 'all',
    }),
    metricsAuth: onOff('METRICS_AUTH', false, 'On: other machines need a token for `/metrics` too.'),
    tlsCert: optional({
      name: 'METRICS_TLS_CERT',
      check: pem('CERTIFICATE'),
      doc: 'The certificate of this server; those of the authorities between may follow it. With it, the server speaks HTTPS alone. It needs METRICS_TLS_KEY. A file is read at the start.',
    }),
    tlsKey: optional({
      name: 'METRICS_TLS_KEY',
      check: pem('PRIVATE KEY'),
      doc: 'The private key of METRICS_TLS_CERT, without a passphrase.',
      secret: 'all',
    }),
  }),
  metrics: atStart('scrapers know the metrics by it', {
    enabled: onOff('WARMING_METRICS_ENABLED', true, 'Off: `/metrics` answers 404. Metrics are counted all the same.'),
    prefix: setting({
      name: 'METRICS_PREFIX',
      check: text('letters, digits and underscores, not starting with a digit', /^[A-Za-z_][A-Za-z0-9_]{0,63}$/),
      default: fixed('arbitrage_'),
      doc: 'The prefix of all names of metrics.',
    }),
  }),
}

type Table = typeof SETTINGS
type ValueOf<S> = S extends Setting<infer T> ? T : never

/** The values of all settings by group and name, deeply frozen. */
export type Config = {
  readonly [G in keyof Table]: { readonly [K in keyof Table[G]]: ValueOf<Table[G][K]> }
}

/** The values that a caller sets: any part of the Config. They are checked like values from elsewhere. */
export type Overrides = {
  readonly [G in keyof Table]?: { readonly [K in keyof Table[G]]?: ValueOf<Table[G][K]> | undefined } | undefined
}

export interface SettingPlace {
  readonly group: string
  readonly key: string
  readonly row: Setting<unknown>
}

/** The rows of the table, in order. */
export const SETTING_PLACES: readonly SettingPlace[] = Object.entries(SETTINGS).flatMap(([group, rows]) =>
  Object.entries<Setting<unknown>>(rows).map(([key, row]) => ({ group, key, row })),
)

/** The values in which a profile differs from the defaults, by setting. */
export const PROFILE_VALUES: Readonly<Record<Profile, Readonly<Record<string, unknown>>>> = {
  development: { WARMING_ASYNC: false, WARMING_TIMEOUT_MS: 100 },
  staging: {},
  production: { WARMING_ROLLOUT: 'shadow' },
}
