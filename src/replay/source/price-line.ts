import { isObject } from '../../../schemas/json-value.ts'
import { parsePriceJson } from '../../../schemas/price-json.ts'
import { type NamedPair, namesOf } from '../../../schemas/price-object.ts'
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
  | ({ readonly ok: true; readonly kind: 'delisted'; readonly key: string } & NamedPair)
  | Refused

export function parsePriceLine({ text, isUtf8 }: Pick<Line, 'text' | 'isUtf8'>): PriceLine {
  if (!isUtf8) return refused('not-json', 'expected UTF-8, got other bytes')
  const delisting = text.includes('"delisted"') ? delistingOf(text) : undefined
  if (delisting !== undefined) return delisting
  const prices = parsePriceJson(Buffer.from(text))
  if (!prices.ok) return prices
  const [first] = prices.updates
  if (first === undefined) return refused('empty', 'expected at least one update')
  const key = prices.updates.length === 1 ? pairKey(first.chain, first.pair) : first.chain
  return { ...prices, kind: 'prices', key }
}

/** Undefined if the line delists nothing. */
function delistingOf(text: string): PriceLine | undefined {
  let line: unknown
  try {
    line = JSON.parse(text)
  } catch {
    return undefined
  }
  const items = Array.isArray(line) ? line : [line, ...updatesIn(line)]
  if (!items.some((item) => isObject(item) && item.delisted === true)) return undefined
  if (!isObject(line) || (line.price ?? line.updates ?? undefined) !== undefined)
    return refused('wrong-type', '"delisted":true stands alone on its line, got a price or updates beside it')
  const named = namesOf(line)
  if ('ok' in named) return named
  return { ok: true, kind: 'delisted', key: pairKey(named.chain, named.pair), ...named }
}

function updatesIn(line: unknown): readonly unknown[] {
  return isObject(line) && Array.isArray(line.updates) ? line.updates : []
}

export function delistedLine(chain: string, pair: string): string {
  return JSON.stringify({ chain, pair, delisted: true })
}
