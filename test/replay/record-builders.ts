import type { PriceUpdate } from '../../schemas/price-update.ts'
import { pairKey } from '../../schemas/topics.ts'
import type { Headers } from '../../src/broker/port.ts'
import type { ReplayRecord } from '../../src/replay/replay-record.ts'

export const T0 = 1_783_715_268_000

export function priceAt(afterMs: number, overrides: Partial<PriceUpdate> = {}): PriceUpdate {
  return { pair: 'WETH/USDC', chain: 'ethereum', price: 3000, eventTimeMs: T0 + afterMs, ...overrides }
}

export interface RecordFields {
  readonly topic?: string
  readonly partition?: number
  readonly offset?: number
  readonly timestampMs?: number
  readonly key?: Buffer
  readonly value?: Buffer
  readonly headers?: Headers
}

/** A record of that update, as `produce` would write it. */
export function recordOf(update: PriceUpdate, fields: RecordFields = {}): ReplayRecord {
  return {
    topic: fields.topic ?? 'prices',
    partition: fields.partition ?? 0,
    offset: BigInt(fields.offset ?? 0),
    timestampMs: fields.timestampMs ?? update.eventTimeMs,
    key: fields.key ?? Buffer.from(pairKey(update.chain, update.pair)),
    value: fields.value ?? Buffer.from(JSON.stringify(update)),
    headers: fields.headers ?? [],
  }
}
