import { AVRO_MAGIC, namedByHeaders } from '../../schemas/avro-frame.ts'
import { encodePriceAvro } from '../../schemas/price-avro.ts'
import { encodePriceJson } from '../../schemas/price-json.ts'
import { tombstonePair } from '../../schemas/price-object.ts'
import { decodePriceRecord } from '../../schemas/price-record.ts'
import type { PriceUpdate } from '../../schemas/price-update.ts'
import { parseWarmRequest, type WarmRequest } from '../../schemas/warm-request.ts'
import type { ReplayRecord } from './replay-record.ts'

/** The content of a record, as far as replay has to know it. */
export type Content =
  | { readonly kind: 'prices'; readonly updates: readonly PriceUpdate[] }
  | { readonly kind: 'delisted'; readonly chain: string; readonly pair: string }
  | { readonly kind: 'warm-request'; readonly request: WarmRequest }
  /** Anything else: results, snapshots, damaged records. */
  | { readonly kind: 'other'; readonly reason: string }

export function contentOf(record: Pick<ReplayRecord, 'key' | 'value' | 'headers'>): Content {
  if (record.value === undefined) return delisted(record.key)
  const prices = decodePriceRecord(record.value)
  if (prices.ok) return { kind: 'prices', updates: prices.updates }
  const request = parseWarmRequest(record.value)
  if (request.ok) return { kind: 'warm-request', request: request.value }
  return { kind: 'other', reason: namedByHeaders(prices, record.headers).reason }
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
