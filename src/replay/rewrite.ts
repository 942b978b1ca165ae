import type { WarmRequest } from '../../schemas/warm-request.ts'
import type { Headers } from '../broker/port.ts'
import { type Content, encodeUpdates } from './content.ts'
import type { ReplayRecord } from './replay-record.ts'

/**
 * `keep`: records and event times as they are. `shift`: all later by the same amount, so that the first record is
 * now and distances stay. `now`: each record when it is replayed. Event times in price updates and the times of warm
 * requests move by as much as their record's timestamp, so that ages and versions still mean what they meant.
 */
export const TIMESTAMPS = ['keep', 'shift', 'now'] as const
export type Timestamps = (typeof TIMESTAMPS)[number]

/** Trace context would tie the replay to traces that are over; the others say who copied the record last time. */
const STRIPPED_HEADERS: ReadonlySet<string> = new Set(['traceparent', 'tracestate', 'baggage', 'b3', '__replicator_id'])
const STRIPPED_PREFIXES = ['mirror', 'mm2'] as const

/** The record as it is handed to the sink: own headers gone, times moved, warm requests marked as replayed. */
export function rewrite(record: ReplayRecord, content: Content, timestampMs: number): ReplayRecord {
  const headers = strippedHeaders(record.headers)
  const value = valueAt(record, content, timestampMs - record.timestampMs)
  if (value === record.value && headers === record.headers && timestampMs === record.timestampMs) return record
  return { ...record, timestampMs, value, headers }
}

function strippedHeaders(headers: Headers): Headers {
  const kept = headers.filter(([name]) => !isStripped(name.toLowerCase()))
  return kept.length === headers.length ? headers : kept
}

function isStripped(name: string): boolean {
  return STRIPPED_HEADERS.has(name) || STRIPPED_PREFIXES.some((prefix) => name.startsWith(prefix))
}

function valueAt(record: ReplayRecord, content: Content, movedMs: number): Buffer | undefined {
  switch (content.kind) {
    case 'prices': {
      if (movedMs === 0 || record.value === undefined) return record.value
      const moved = content.updates.map((update) => ({ ...update, eventTimeMs: update.eventTimeMs + movedMs }))
      return encodeUpdates(moved, record.value)
    }
    case 'warm-request':
      return record.value === undefined ? undefined : replayedRequest(record.value, content.request, movedMs)
    case 'delisted':
    case 'other':
      return record.value
  }
}

/** Fields that only a newer version knows are passed on. */
function replayedRequest(value: Buffer, request: WarmRequest, movedMs: number): Buffer {
  const { issuedAtMs, notBeforeMs, expiresAtMs } = request
  const moved = {
    issuedAtMs: issuedAtMs + movedMs,
    ...(notBeforeMs === undefined ? {} : { notBeforeMs: notBeforeMs + movedMs }),
    ...(expiresAtMs === undefined ? {} : { expiresAtMs: expiresAtMs + movedMs }),
  }
  return Buffer.from(JSON.stringify({ ...JSON.parse(value.toString('utf8')), ...request, ...moved, origin: 'replay' }))
}
