import { type Check, clickHouseUrl, decimal, integer, listOf, oneOf, redisUrl } from '../check.ts'
import { atStart, fixed, onOff, optional, setting, whole } from '../setting.ts'

const redisUrls: Check<readonly string[]> = listOf(redisUrl, redisUrl.allowed)

const LONGEST_TTL_SECONDS = 31_536_000
const L1_TTL_SECONDS = 300
const L3_TTL_SECONDS = 86_400

const FOLLOW_WAYS = ['auto', 'off', 'redis', 'poll'] as const
export type FollowForeign = (typeof FOLLOW_WAYS)[number]

/** To follow other partitions in Kafka is a way that is thought of and not built. */
const followForeign: Check<FollowForeign> = {
  ...oneOf(FOLLOW_WAYS),
  allowed: `${FOLLOW_WAYS.join(' | ')} (kafka is not supported yet)`,
}

const MEMORY = {
  l1SizeMb: whole('CACHE_L1_SIZE', [1, 65_536, 128], 'The memory that L1 may use, in megabytes.'),
  l1Slots: optional({
    name: 'CACHE_L1_SLOTS',
    check: integer(1, 100_000_000),
    doc: 'The number of pairs that L1 can hold; overrides CACHE_L1_SIZE.',
  }),
  usePriceMatrix: onOff(
    'CACHE_USE_PRICE_MATRIX',
    true,
    'On: L1 keeps prices as numbers in shared memory, which worker threads can read. Off: L1 keeps objects in the memory of one thread and evicts the least recently used. L1 and L2 then also keep what a format gives as `extra`.',
  ),
  maxValueBytes: whole(
    'CACHE_MAX_VALUE_BYTES',
    [1_024, 1_048_576, 262_144],
    'The longest value of any kind that a cache takes (createCache with usePriceMatrix: false), in bytes of its JSON.',
  ),
  memoryLimitMb: optional({
    name: 'WARMING_MEMORY_LIMIT_MB',
    check: integer(64, 16_777_216),
    doc: 'The resident memory that the process should stay below, in megabytes. Close to it, first warms and then all of L1 use less. Without it, the limits of the heap and of the machine apply.',
  }),
  maxPairs: whole(
    'MAX_PAIRS',
    [1, 100_000_000, 1_000_000],
    'The most pairs that a node can know. The ids of names that are deleted, or were only asked for, go to new ones. If all pairs have values, updates of further pairs are refused and counted. Pairs that were only asked for take up at most half of the room.',
  ),
}

const LIFETIMES = {
  l2TtlSeconds: whole('CACHE_L2_TTL', [1, LONGEST_TTL_SECONDS, 3600], 'How long Redis keeps a value, in seconds.'),
  l1TtlSeconds: setting({
    name: 'CACHE_L1_TTL',
    check: integer(1, LONGEST_TTL_SECONDS),
    default: {
      kind: 'derived',
      words: `${L1_TTL_SECONDS}, or CACHE_L2_TTL where that is less`,
      of: (chosen) => Math.min(L1_TTL_SECONDS, Number(chosen('CACHE_L2_TTL'))),
    },
    doc: 'The time without an update after which a value leaves L1, in seconds; at most CACHE_L2_TTL.',
  }),
  refreshThreshold: setting({
    name: 'CACHE_REFRESH_THRESHOLD',
    check: decimal(0.1, 1),
    default: fixed(0.8),
    doc: 'A value that is read after this part of its time in L1 is fetched from L2 again, so that values in use do not expire; 1 turns this off.',
  }),
}

const REDIS = {
  l2FlushMs: whole(
    'L2_FLUSH_MS',
    [1, 60_000, 10],
    'How long updates are collected before they are written to L2, in milliseconds. Each pair is written at most once in that time.',
  ),
  l2Enabled: onOff(
    'CACHE_L2_ENABLED',
    true,
    'Off: no Redis is used. L2 is then memory of this process: other nodes do not see it, and a restart loses it.',
  ),
  redisUrls: setting({
    name: 'REDIS_URL',
    check: redisUrls,
    default: fixed<readonly string[]>(['redis://127.0.0.1:6379']),
    doc: 'The Redis that holds L2: one server, or several servers of one Redis Cluster, separated by commas.',
    secret: 'url-password',
  }),
  redisCommandTimeoutMs: whole(
    'REDIS_COMMAND_TIMEOUT_MS',
    [1, 60_000, 250],
    'How long the node waits for Redis to answer a command, in milliseconds. After that the command is given up and has no effect any more. While Redis hangs, starting and closing may take this long.',
  ),
  followForeign: setting({
    name: 'FOLLOW_FOREIGN',
    check: followForeign,
    default: fixed<FollowForeign>('auto'),
    doc: 'How pairs whose updates arrive at other nodes stay fresh in L1 while they are read. With auto or redis, Redis tells when they change, and the node polls where Redis refuses that. With poll, they are read again every FOLLOW_POLL_MS. With off, they are read again near the end of their time in L1.',
  }),
  followPollMs: whole(
    'FOLLOW_POLL_MS',
    [5, 60_000, 50],
    'The time between two pollings of pairs whose updates arrive at other nodes, in milliseconds.',
  ),
}

const CLICKHOUSE = {
  l3TtlSeconds: setting({
    name: 'CACHE_L3_TTL',
    check: integer(1, LONGEST_TTL_SECONDS),
    default: {
      kind: 'derived',
      words: `${L3_TTL_SECONDS}, or CACHE_L2_TTL where that is more`,
      of: (chosen) => Math.max(L3_TTL_SECONDS, Number(chosen('CACHE_L2_TTL'))),
    },
    doc: 'How old a price from ClickHouse may be, in seconds, and how long ClickHouse keeps it; at least CACHE_L2_TTL.',
  }),
  clickHouseUrl: optional({
    name: 'CLICKHOUSE_URL',
    check: clickHouseUrl,
    doc: 'The ClickHouse that holds L3, over HTTP. `chdb:` or `chdb:/directory` runs one inside the process, with the package chdb. Without this setting there is no L3.',
    secret: 'url-password',
  }),
  clickHouseWrite: onOff(
    'CLICKHOUSE_WRITE',
    false,
    'On: what was written to L2 is also written to the table forewarm_prices of ClickHouse, which the node creates if it is missing.',
  ),
}

/** The three cache levels: how much they hold, and for how long. */
export const CACHE_SETTINGS = {
  ...atStart('the memory of L1 is laid out with it', MEMORY),
  ...atStart('values that are stored already have their time by it', LIFETIMES),
  ...atStart('the connection to Redis and what uses it are made with it', REDIS),
  ...atStart('the connection to ClickHouse and its table are made with it', CLICKHOUSE),
}
