import type { WarmRequest } from '../../schemas/warm-request.ts'
import type { Headers } from '../broker/port.ts'
import { type Content, encodeUpdates } from './content.ts'
import type { ReplayRecord } from './replay-record.ts'

/** Trace context would tie the replay to traces that have ended. The other headers say who copied the record before. */
const STRIPPED_HEADERS: ReadonlySet<string> = new Set(['traceparent', 'tracestate', 'baggage', 'b3', '__replicator_id'])
const STRIPPED_PREFIXES = ['mirror', 'mm2'] as const

/** The record for the sink: without those headers, with moved times, and warm requests marked as replayed. */
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
      if (movedMs === 0 || record.value === undefined || content.isForeign === true) return record.value
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

/** Unknown fields, of a newer version, are passed on. */
function replayedRequest(value: Buffer, request: WarmRequest, movedMs: number): Buffer {
  const { issuedAtMs, notBeforeMs, expiresAtMs } = request
  const moved = {
    issuedAtMs: issuedAtMs + movedMs,
    ...(notBeforeMs === undefined ? {} : { notBeforeMs: notBeforeMs + movedMs }),
    ...(expiresAtMs === undefined ? {} : { expiresAtMs: expiresAtMs + movedMs }),
  }
  return Buffer.from(JSON.stringify({ ...JSON.parse(value.toString('utf8')), ...request, ...moved, origin: 'replay' }))
}
