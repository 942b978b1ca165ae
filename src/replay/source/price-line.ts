import { parsePriceJson } from '../../../schemas/price-json.ts'
import type { PriceUpdate } from '../../../schemas/price-update.ts'
import { type Refused, refused } from '../../../schemas/refusal.ts'
import { pairKey } from '../../../schemas/topics.ts'
import type { Line } from './lines.ts'

/**
 * A line of an NDJSON file of prices: a price record (an update, a list of updates of one chain, a frame), or
 * `{"chain":"…","pair":"…","delisted":true}`, which stands for a tombstone.
 */
export type PriceLine =
  | {
      readonly ok: true
      readonly kind: 'prices'
      readonly updates: readonly PriceUpdate[]
      readonly key: string
      /** As in Updates. */
      readonly rounded?: number
    }
  | { readonly ok: true; readonly kind: 'delisted'; readonly key: string }
  | Refused

export function parsePriceLine({ text, isUtf8 }: Pick<Line, 'text' | 'isUtf8'>): PriceLine {
  if (!isUtf8) return refused('not-json', 'expected UTF-8, got other bytes')
  const prices = parsePriceJson(Buffer.from(text))
  if (!prices.ok) return delistedKey(text) ?? prices
  const [first] = prices.updates
  if (first === undefined) return refused('empty', 'expected at least one update')
  const key = prices.updates.length === 1 ? pairKey(first.chain, first.pair) : first.chain
  return { ...prices, kind: 'prices', key }
}

function delistedKey(text: string): PriceLine | undefined {
  if (!text.includes('"delisted"')) return undefined
  try {
    const { chain, pair, delisted } = JSON.parse(text)
    if (typeof chain !== 'string' || typeof pair !== 'string' || delisted !== true) return undefined
    return { ok: true, kind: 'delisted', key: pairKey(chain, pair) }
  } catch {
    return undefined
  }
}

export function delistedLine(chain: string, pair: string): string {
  return JSON.stringify({ chain, pair, delisted: true })
}
