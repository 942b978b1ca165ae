import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { PRESETS } from '../../src/formats/presets/presets.ts'
import { AT_MS, decoder, problemsOf } from './stage.ts'

interface Example {
  readonly record: object
  readonly update: object
  /** A record of the same source that is no price. */
  readonly skipped?: object | string
}

const quote = { s: 'BNBUSDT', b: '25.35190000', B: '31.21000000', a: '25.36520000', A: '40.66000000' }
const iso = new Date(AT_MS).toISOString()

/** Records of our own making, in the shapes that the sources document. */
const EXAMPLES: Readonly<Record<string, Example>> = {
  'binance-book-ticker': {
    record: { u: 400900217, ...quote },
    update: { pair: 'BNBUSDT', chain: 'binance', price: 25.35855, bid: 25.3519, ask: 25.3652, eventTimeMs: AT_MS },
    skipped: { result: null, id: 1 },
  },
  'binance-24h-ticker': {
    record: { e: '24hrTicker', E: AT_MS, ...quote, c: '25.36' },
    update: { pair: 'BNBUSDT', chain: 'binance', price: 25.36, bid: 25.3519, ask: 25.3652, eventTimeMs: AT_MS },
    skipped: { error: { code: 2, msg: 'Invalid request' } },
  },
  'coinbase-ticker': {
    record: {
      ...{ channel: 'ticker', timestamp: iso, sequence_num: 3 },
      events: [
        {
          type: 'update',
          tickers: [
            { type: 'ticker', product_id: 'BTC-USD', price: '21932.98', best_bid: '21931.98', best_ask: '21933.98' },
          ],
        },
      ],
    },
    update: { pair: 'BTC-USD', chain: 'coinbase', price: 21932.98, bid: 21931.98, ask: 21933.98, eventTimeMs: AT_MS },
    skipped: { channel: 'heartbeats', timestamp: iso, events: [{ heartbeat_counter: '49' }] },
  },
  'okx-tickers': {
    record: {
      arg: { channel: 'tickers', instId: 'BTC-USDT' },
      data: [
        { instType: 'SPOT', instId: 'BTC-USDT', last: '9999.99', askPx: '10000', bidPx: '9999.5', ts: `${AT_MS}` },
      ],
    },
    update: { pair: 'BTC-USDT', chain: 'okx', price: 9999.99, bid: 9999.5, ask: 10000, eventTimeMs: AT_MS },
    skipped: { event: 'subscribe', arg: { channel: 'tickers', instId: 'BTC-USDT' } },
  },
  'kraken-ticker': {
    record: { channel: 'ticker', type: 'update', data: [{ symbol: 'ALGO/USD', bid: 0.1, ask: 0.11, last: 0.105 }] },
    update: { pair: 'ALGO/USD', chain: 'kraken', price: 0.105, bid: 0.1, ask: 0.11, eventTimeMs: AT_MS },
    skipped: { channel: 'heartbeat' },
  },
  'pyth-price': {
    record: {
      id: 'E62DF6C8',
      price: { price: '6401210000000', conf: '2500000', expo: -8, publish_time: 1_783_670_400 },
    },
    update: { pair: 'e62df6c8', chain: 'pyth', price: 64012.1, eventTimeMs: AT_MS - 123 },
  },
}

describe('a preset', () => {
  it.each(Object.keys(PRESETS))('reads records of its source: %s', (name) => {
    const { record, update, skipped } = EXAMPLES[name] ?? {}
    const decode = decoder(name)
    expect(decode(record)).toMatchObject({ ok: true, updates: [update] })
    if (skipped !== undefined) expect(decode(skipped)).toMatchObject({ ok: true, updates: [], skipped: 1 })
  })

  it('reads them in the envelope of a combined stream, too', () => {
    const { record, update } = EXAMPLES['binance-book-ticker'] ?? {}
    const combined = { stream: 'bnbusdt@bookTicker', data: record }
    expect(decoder('binance-book-ticker')(combined)).toMatchObject({ ok: true, updates: [update] })
  })

  it('is named in docs/formats.md', () => {
    const text = readFileSync(resolve(import.meta.dirname, '../../docs/formats.md'), 'utf8')
    expect([...text.matchAll(/^\| `([a-z0-9-]+)` \| [A-Z]/gm)].map(([, name]) => name).sort()).toEqual(
      Object.keys(PRESETS).sort(),
    )
  })

  it('that does not exist is refused, with the one that was meant', () => {
    expect(problemsOf({ x: 'okx-ticker' })).toMatchObject([
      { setting: 'formats["x"]', allowed: 'did you mean okx-tickers?' },
    ])
  })
})
