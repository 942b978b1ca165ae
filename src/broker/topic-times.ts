import { type Admin, BrokerError } from './port.ts'

/** Which times a topic takes of records, in milliseconds; Infinity where it has no limit. */
export interface TimeLimits {
  readonly topic: string
  /** A record may be so far ahead of the broker's clock. */
  readonly maxAheadMs: number
  /** A record may be so old by the broker's clock. */
  readonly maxBehindMs: number
  /** A record is kept for so long, by its own time. */
  readonly retentionMs: number
}

/** The time of a record, and the time at which it is written. */
export interface WrittenAt {
  readonly timestampMs: number
  readonly atMs: number
}

const AHEAD = 'message.timestamp.after.max.ms'
const BEHIND = 'message.timestamp.before.max.ms'
/** Before Kafka 3.6. */
const AHEAD_OR_BEHIND = 'message.timestamp.difference.max.ms'
const TYPE = 'message.timestamp.type'
const RETENTION = 'retention.ms'

/** Without limits if the topic stamps records itself, or if the user may not see its settings. */
export async function timeLimitsOf(admin: Admin, topic: string): Promise<TimeLimits> {
  const config = await settingsOf(admin, topic)
  const limit = (name: string) => {
    const value = Number(config.get(name) ?? -1)
    return config.get(TYPE) === 'LogAppendTime' || value < 0 ? Number.POSITIVE_INFINITY : value
  }
  const both = limit(AHEAD_OR_BEHIND)
  const [maxAheadMs, maxBehindMs] = [Math.min(limit(AHEAD), both), Math.min(limit(BEHIND), both)]
  return { topic, maxAheadMs, maxBehindMs, retentionMs: limit(RETENTION) }
}

async function settingsOf(admin: Admin, topic: string): Promise<ReadonlyMap<string, string>> {
  try {
    return await admin.topicConfig(topic, [AHEAD, BEHIND, AHEAD_OR_BEHIND, TYPE, RETENTION])
  } catch (error) {
    if (error instanceof BrokerError && error.code === 'not-authorized') return new Map()
    throw error
  }
}

/** Why the broker will refuse the record; undefined if it will not. */
export function refusalOf(
  { topic, maxAheadMs, maxBehindMs }: TimeLimits,
  { timestampMs, atMs }: WrittenAt,
): string | undefined {
  const aheadMs = timestampMs - atMs
  if (aheadMs <= maxAheadMs && -aheadMs <= maxBehindMs) return undefined
  const [seconds, where] = [Math.round(Math.abs(aheadMs) / 1000), aheadMs > 0 ? 'ahead of' : 'behind']
  const [most, setting] = aheadMs > 0 ? [maxAheadMs, AHEAD] : [maxBehindMs, BEHIND]
  return `a record of ${iso(timestampMs)} is ${seconds} s ${where} the clock, and the broker of ${topic} takes at most ${most / 1000} s (${setting})`
}

/** Whether the broker will delete the record the next time that it looks. */
export function isExpiring({ retentionMs }: TimeLimits, { timestampMs, atMs }: WrittenAt): boolean {
  return atMs - timestampMs > retentionMs
}

export function expiryText({ topic, retentionMs }: TimeLimits, { timestampMs }: WrittenAt): string {
  return `a record of ${iso(timestampMs)} is older than ${topic} keeps records, ${retentionMs / 1000} s (${RETENTION}): it will be deleted at once`
}

function iso(timestampMs: number): string {
  return new Date(timestampMs).toISOString()
}
