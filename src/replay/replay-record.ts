import type { KafkaRecord } from '../kafka-record.ts'

/** A record on its way from a source to a sink. It owns its bytes: none are slices of a fetch response. */
export interface ReplayRecord extends KafkaRecord {}

/** About how much memory it takes, in bytes. */
export function sizeOf({ key, value, headers }: ReplayRecord): number {
  const ofHeaders = headers.reduce((bytes, [name, { length }]) => bytes + name.length + length, 0)
  return RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0) + ofHeaders
}

/** The object, its offset, its Buffers. */
const RECORD_OVERHEAD_BYTES = 300

/** Replay order: (timestamp, topic, partition, offset). */
export function compareRecords(a: ReplayRecord, b: ReplayRecord): number {
  if (a.timestampMs !== b.timestampMs) return a.timestampMs - b.timestampMs
  if (a.topic !== b.topic) return a.topic < b.topic ? -1 : 1
  if (a.partition !== b.partition) return a.partition - b.partition
  return a.offset < b.offset ? -1 : a.offset > b.offset ? 1 : 0
}
