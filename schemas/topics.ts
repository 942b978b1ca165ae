export type TopicRole = 'warm-requests' | 'warm-results' | 'correlations' | 'forewarm-control'

const HOUR_MS = 3_600_000

/**
 * How a topic of ours is made. The role is the default name (`WARM_REQUESTS_TOPIC` and so on rename it). Each topic has as
 * many partitions as the price topics; that of control records has one, as their order counts. Requests and correlations go to the partition of their chain, results to that of
 * their request id. The broker compresses correlations: records that are stored together name the same pairs.
 */
export const TOPIC_CONFIGS: Readonly<Record<TopicRole, Readonly<Record<string, string>>>> = {
  'warm-requests': { 'cleanup.policy': 'delete', 'retention.ms': String(HOUR_MS) },
  'warm-results': { 'cleanup.policy': 'delete', 'retention.ms': String(24 * HOUR_MS) },
  correlations: { 'cleanup.policy': 'compact', 'compression.type': 'zstd' },
  'forewarm-control': { 'cleanup.policy': 'compact' },
}

export const DEAD_LETTER_SUFFIX = '.dlq'
export const DEAD_LETTER_RETENTION_MS = 14 * 24 * HOUR_MS

/** The service of nodes that are given none, and of warm requests and results that name none. */
export const DEFAULT_SERVICE = 'default'

/** Parts of a composite key are joined by NUL, which neither a chain nor a pair may contain. */
export const KEY_SEPARATOR = '\0'

/** Largest record value that is decoded; larger ones become dead letters. */
export const MAX_RECORD_BYTES = 4 * 1024 * 1024
export const MAX_PAIR_BYTES = 256
export const MAX_CHAIN_BYTES = 64

/** The names that Kafka allows, and those in words. */
export const TOPIC_NAME = /^(?!\.{1,2}$)[a-zA-Z0-9._-]{1,249}$/
export const TOPIC_NAMES = 'names of 1 to 249 letters, digits, dots, underscores and hyphens'

export function deadLetterTopic(topic: string): string {
  return topic + DEAD_LETTER_SUFFIX
}

export function pairKey(chain: string, pair: string): string {
  return chain + KEY_SEPARATOR + pair
}

/** The chain of a price record's key: all of it, or what stands before the separator. */
export function chainOfKey(key: string): string {
  const end = key.indexOf(KEY_SEPARATOR)
  return end < 0 ? key : key.slice(0, end)
}

/** Kafka's murmur2 over the UTF-8 bytes, as the default partitioner of Java's client computes it. */
export function murmur2(bytes: Uint8Array): number {
  const M = 0x5bd1e995
  const length = bytes.length
  let h = 0x9747b28c ^ length
  let i = 0
  for (; i + 4 <= length; i += 4) {
    let k = byteAt(bytes, i) | (byteAt(bytes, i + 1) << 8) | (byteAt(bytes, i + 2) << 16) | (byteAt(bytes, i + 3) << 24)
    k = Math.imul(k, M)
    k ^= k >>> 24
    k = Math.imul(k, M)
    h = Math.imul(h, M) ^ k
  }
  const rest = length - i
  if (rest === 3) h ^= byteAt(bytes, i + 2) << 16
  if (rest >= 2) h ^= byteAt(bytes, i + 1) << 8
  if (rest >= 1) h = Math.imul(h ^ byteAt(bytes, i), M)
  h ^= h >>> 13
  h = Math.imul(h, M)
  h ^= h >>> 15
  return h
}

function byteAt(bytes: Uint8Array, index: number): number {
  return bytes[index] ?? 0
}

/** The partition that a chain (or any other key) lives in. */
export function partitionOf(key: string, partitions: number): number {
  return (murmur2(Buffer.from(key)) & 0x7fffffff) % partitions
}
