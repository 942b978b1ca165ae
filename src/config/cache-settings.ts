import { type Check, clickHouseUrl, decimal, integer, listOf, redisUrl } from './check.ts'
import { fixed, onOff, optional, setting, whole } from './setting.ts'

const redisUrls: Check<readonly string[]> = listOf(redisUrl, 'redis://… or rediss://…')

const LONGEST_TTL_SECONDS = 31_536_000
const L1_TTL_SECONDS = 300
const L3_TTL_SECONDS = 86_400

/** The three levels: how much they hold, and for how long. */
export const CACHE_SETTINGS = {
  l1SizeMb: whole('CACHE_L1_SIZE', [1, 65_536, 128], 'How much memory L1 may take, in megabytes.'),
  l1Slots: optional({
    name: 'CACHE_L1_SLOTS',
    check: integer(1, 100_000_000),
    doc: 'How many pairs L1 may hold; overrides CACHE_L1_SIZE.',
  }),
  usePriceMatrix: onOff(
    'CACHE_USE_PRICE_MATRIX',
    true,
    'L1 holds numbers in shared memory, which worker threads read, too. Off: objects in a store of this thread, least recently used first out.',
  ),
  memoryLimitMb: optional({
    name: 'WARMING_MEMORY_LIMIT_MB',
    check: integer(64, 16_777_216),
    doc: 'How much resident memory the process is to stay below, in megabytes: near it warms, and then L1, use less. Without it, the heap’s and the machine’s own limits count.',
  }),
  maxPairs: whole(
    'MAX_PAIRS',
    [1, 100_000_000, 1_000_000],
    'How many pairs a node knows at most; the updates of others are refused and counted. Pairs that were only asked for take at most half.',
  ),
  l2TtlSeconds: whole('CACHE_L2_TTL', [1, LONGEST_TTL_SECONDS, 3600], 'After how many seconds Redis drops a value.'),
  l1TtlSeconds: setting({
    name: 'CACHE_L1_TTL',
    check: integer(1, LONGEST_TTL_SECONDS),
    default: {
      kind: 'derived',
      words: `${L1_TTL_SECONDS}, or CACHE_L2_TTL where that is less`,
      of: (chosen) => Math.min(L1_TTL_SECONDS, Number(chosen('CACHE_L2_TTL'))),
    },
    doc: 'After how many seconds without an update a value leaves L1; at most CACHE_L2_TTL.',
  }),
  refreshThreshold: setting({
    name: 'CACHE_REFRESH_THRESHOLD',
    check: decimal(0.1, 1),
    default: fixed(0.8),
    doc: 'The part of its time in L1 after which a value that is read is asked for again from L2, so that what is in use does not leave; 1: never.',
  }),
  l2FlushMs: whole(
    'L2_FLUSH_MS',
    [1, 60_000, 10],
    'How long updates are gathered before L2 is written, in milliseconds: at most one write a pair in that time.',
  ),
  l2Enabled: onOff(
    'CACHE_L2_ENABLED',
    true,
    'Off: no Redis; L2 is memory of this process, which no other node sees and no restart survives.',
  ),
  redisUrls: setting({
    name: 'REDIS_URL',
    check: redisUrls,
    default: fixed<readonly string[]>(['redis://127.0.0.1:6379']),
    doc: 'The Redis of L2: one server, or several of one Redis Cluster, separated by commas.',
    secret: 'url-password',
  }),
  redisCommandTimeoutMs: whole(
    'REDIS_COMMAND_TIMEOUT_MS',
    [1, 60_000, 250],
    'After how long a command that Redis has not answered is given up, in milliseconds; it has no effect afterwards. Where Redis hangs, a start and a close may take as long.',
  ),
  l3TtlSeconds: setting({
    name: 'CACHE_L3_TTL',
    check: integer(1, LONGEST_TTL_SECONDS),
    default: {
      kind: 'derived',
      words: `${L3_TTL_SECONDS}, or CACHE_L2_TTL where that is more`,
      of: (chosen) => Math.max(L3_TTL_SECONDS, Number(chosen('CACHE_L2_TTL'))),
    },
    doc: 'How far back a price in ClickHouse still counts, in seconds, and how long it is kept there; at least CACHE_L2_TTL.',
  }),
  clickHouseUrl: optional({
    name: 'CLICKHOUSE_URL',
    check: clickHouseUrl,
    doc: 'The ClickHouse of L3, by HTTP; `chdb:` or `chdb:/directory` is one inside the process, by the package chdb. Without it there are two levels.',
    secret: 'url-password',
  }),
  clickHouseWrite: onOff(
    'CLICKHOUSE_WRITE',
    false,
    'The node writes what L2 takes into the table forewarm_prices of ClickHouse, which it makes where there is none.',
  ),
}
