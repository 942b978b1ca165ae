import { AVRO_MAGIC, namedByHeaders } from '../../schemas/avro-frame.ts'
import { encodePriceAvro } from '../../schemas/price-avro.ts'
import { encodePriceJson } from '../../schemas/price-json.ts'
import { type NamedPair, tombstonePair } from '../../schemas/price-object.ts'
import { decodePriceRecord } from '../../schemas/price-record.ts'
import type { PriceUpdate } from '../../schemas/price-update.ts'
import { parseWarmRequest, type WarmRequest } from '../../schemas/warm-request.ts'
import type { Format } from '../formats/format.ts'
import type { Formats } from '../formats/formats.ts'
import type { ReplayRecord } from './replay-record.ts'

/** The content of a record, as far as replay has to know it. */
export type Content =
  | { readonly kind: 'prices'; readonly updates: readonly PriceUpdate[]; readonly isForeign?: boolean }
  /** `others`: pairs that the same record delists. */
  | { readonly kind: 'delisted'; readonly chain: string; readonly pair: string; readonly others?: readonly NamedPair[] }
  | { readonly kind: 'warm-request'; readonly request: WarmRequest }
  /** Anything else: results, snapshots, damaged records, foreign ones that say nothing of prices (`skipped`). */
  | { readonly kind: 'other'; readonly reason: string }

/** Why a record is `other` that its format skips. */
export const SKIPPED_REASON = 'skipped'

/** `formats`: how the topics are read that are not of our own format. */
export function contentOf(record: ReplayRecord, formats?: Formats): Content {
  const format = formats?.of(record.topic)
  if (format !== undefined) return contentBy(format, record)
  if (record.value === undefined) return delisted(record.key)
  const prices = decodePriceRecord(record.value)
  if (prices.ok) return { kind: 'prices', updates: prices.updates }
  const request = parseWarmRequest(record.value)
  if (request.ok) return { kind: 'warm-request', request: request.value }
  return { kind: 'other', reason: namedByHeaders(prices, record.headers).reason }
}

function contentBy(format: Format, record: ReplayRecord): Content {
  const said = format.decode(record)
  if (!said.ok) return { kind: 'other', reason: said.reason }
  const [first, ...others] = said.deleted
  if (first !== undefined) return { kind: 'delisted', ...first, ...(others.length > 0 && { others }) }
  if (said.updates.length === 0) return { kind: 'other', reason: SKIPPED_REASON }
  return { kind: 'prices', updates: said.updates, isForeign: true }
}

function delisted(key: Buffer | undefined): Content {
  const named = tombstonePair(key)
  return 'ok' in named ? { kind: 'other', reason: named.reason } : { kind: 'delisted', ...named }
}

/** Encodes updates as a record's value, in the encoding of `like`. */
export function encodeUpdates(updates: readonly PriceUpdate[], like: Buffer): Buffer {
  const [first] = updates
  const content = updates.length === 1 && first !== undefined ? first : updates
  return like[0] === AVRO_MAGIC ? encodePriceAvro(content) : Buffer.from(encodePriceJson(content))
}
