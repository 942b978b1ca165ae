import { type Check, integer, listOf, redisUrl } from './check.ts'
import { fixed, onOff, optional, setting, whole } from './setting.ts'

const redisUrls: Check<readonly string[]> = listOf(redisUrl, 'redis://… or rediss://…')

/** The three levels: how much they hold, and for how long. */
export const CACHE_SETTINGS = {
  l1SizeMb: whole('CACHE_L1_SIZE', [1, 65_536, 128], 'How much memory L1 may take, in megabytes.'),
  l1Slots: optional({
    name: 'CACHE_L1_SLOTS',
    check: integer(1, 100_000_000),
    doc: 'How many pairs L1 may hold; overrides CACHE_L1_SIZE.',
  }),
  maxPairs: whole(
    'MAX_PAIRS',
    [1, 100_000_000, 1_000_000],
    'How many pairs a node knows at most; the updates of others are refused and counted. Pairs that were only asked for take at most half.',
  ),
  l2TtlSeconds: whole('CACHE_L2_TTL', [1, 31_536_000, 3600], 'After how many seconds Redis drops a value.'),
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
    doc: 'The Redis of L2: one server.',
    secret: 'url-password',
  }),
}
