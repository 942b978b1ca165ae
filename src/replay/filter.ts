import { murmur2 } from '../../schemas/topics.ts'
import type { WarmRequest } from '../../schemas/warm-request.ts'
import { partitionName } from '../broker/partition-name.ts'
import { type Content, encodeUpdates } from './content.ts'
import type { ReplayRecord } from './replay-record.ts'

/** Absent means all. */
export interface RecordFilter {
  /** Milliseconds since the epoch, inclusive. */
  readonly sinceMs?: number | undefined
  /** Milliseconds since the epoch, exclusive. */
  readonly untilMs?: number | undefined
  /** Inclusive, for every partition. */
  readonly fromOffset?: bigint | undefined
  /** Exclusive, for every partition. */
  readonly toOffset?: bigint | undefined
  readonly partitions?: ReadonlySet<number> | undefined
  readonly chains?: ReadonlySet<string> | undefined
  readonly pairs?: ReadonlySet<string> | undefined
  /** The share of the records that pass, 0 to 1: the same ones in every run. */
  readonly sample?: number | undefined
}

export const FILTER_REASONS = ['time', 'offset', 'partition', 'chain', 'pair', 'sample'] as const
/** Why a record was left out of a replay. */
export type FilterReason = (typeof FILTER_REASONS)[number]

export type Selection =
  | { readonly pass: true; readonly record: ReplayRecord; readonly content: Content }
  | { readonly pass: false; readonly reason: FilterReason }

/** Why the record is left out, as far as its position says it; undefined if it passes. */
export function positionReason(record: ReplayRecord, filter: RecordFilter): FilterReason | undefined {
  if (filter.partitions?.has(record.partition) === false) return 'partition'
  if (filter.fromOffset !== undefined && record.offset < filter.fromOffset) return 'offset'
  if (filter.toOffset !== undefined && record.offset >= filter.toOffset) return 'offset'
  if (filter.sinceMs !== undefined && record.timestampMs < filter.sinceMs) return 'time'
  if (filter.untilMs !== undefined && record.timestampMs >= filter.untilMs) return 'time'
  if (filter.sample !== undefined && placeInSample(record) >= filter.sample) return 'sample'
  return undefined
}

/** Selects by chain and pair. A frame or a warm request keeps only the pairs that are wanted. */
export function selectContent(record: ReplayRecord, content: Content, filter: RecordFilter): Selection {
  const { chains, pairs } = filter
  if (chains === undefined && pairs === undefined) return { pass: true, record, content }
  switch (content.kind) {
    case 'prices': {
      const ofChains = content.updates.filter((update) => chains?.has(update.chain) !== false)
      if (ofChains.length === 0) return { pass: false, reason: 'chain' }
      const updates = ofChains.filter((update) => pairs?.has(update.pair) !== false)
      if (updates.length === 0) return { pass: false, reason: 'pair' }
      // Only what is written in our own format can be written anew.
      if (updates.length === content.updates.length || record.value === undefined || content.isForeign === true)
        return { pass: true, record, content }
      const value = encodeUpdates(updates, record.value)
      return { pass: true, record: { ...record, value }, content: { kind: 'prices', updates } }
    }
    case 'delisted':
      if (chains?.has(content.chain) === false) return { pass: false, reason: 'chain' }
      if (pairs?.has(content.pair) === false) return { pass: false, reason: 'pair' }
      return { pass: true, record, content }
    case 'warm-request': {
      if (chains?.has(content.request.chain) === false) return { pass: false, reason: 'chain' }
      if (pairs === undefined) return { pass: true, record, content }
      const request = requestFor(content.request, pairs)
      if (request.pairs.length === 0) return { pass: false, reason: 'pair' }
      return { pass: true, record, content: { kind: 'warm-request', request } }
    }
    case 'other':
      return { pass: false, reason: chains === undefined ? 'pair' : 'chain' }
  }
}

function requestFor(request: WarmRequest, pairs: ReadonlySet<string>): WarmRequest {
  const wanted = request.pairs.map((pair) => pairs.has(pair))
  return {
    ...request,
    pairs: request.pairs.filter((_, index) => wanted[index]),
    ...(request.scores === undefined ? {} : { scores: request.scores.filter((_, index) => wanted[index]) }),
  }
}

/** A number from 0 to 1 that follows from the record's position, so that a sample is the same in every run. */
function placeInSample(record: ReplayRecord): number {
  const position = Buffer.from(`${partitionName(record)}/${record.offset}`)
  return (murmur2(position) >>> 0) / 2 ** 32
}
