/** A mapping for the records of a public source. */
export interface Preset {
  /** What kind of records they are. */
  readonly of: string
  readonly mapping: Readonly<Record<string, unknown>>
}

const ERRORS = { path: 'error', exists: true }

/** The mappings that the settings can name instead of writing them down. */
export const PRESETS: Readonly<Record<string, Preset>> = {
  'binance-book-ticker': {
    of: 'Binance, <symbol>@bookTicker of the spot market, as it is or in the envelope of a combined stream',
    mapping: {
      record: ['data', ''],
      chain: { const: 'binance' },
      pair: 's',
      price: { mid: ['b', 'a'] },
      bid: 'b',
      ask: 'a',
      zero: 'absent',
      eventTimeMs: { timestamp: true },
      skip: [{ path: 'result', exists: true }, ERRORS],
    },
  },
  'binance-24h-ticker': {
    of: 'Binance, <symbol>@ticker',
    mapping: {
      chain: { const: 'binance' },
      pair: 's',
      price: 'c',
      bid: 'b',
      ask: 'a',
      zero: 'absent',
      eventTimeMs: 'E',
      skip: [{ path: 'result', exists: true }, ERRORS],
    },
  },
  'coinbase-ticker': {
    of: 'Coinbase Advanced Trade, channel ticker',
    mapping: {
      updates: 'events.0.tickers',
      chain: { const: 'coinbase' },
      pair: 'product_id',
      price: 'price',
      bid: 'best_bid',
      ask: 'best_ask',
      eventTimeMs: { outer: 'timestamp', unit: 'iso' },
      skip: { path: 'channel', matches: '^(heartbeats|subscriptions)$' },
    },
  },
  'okx-tickers': {
    of: 'OKX, channel tickers',
    mapping: {
      updates: 'data',
      chain: { const: 'okx' },
      pair: 'instId',
      price: 'last',
      bid: 'bidPx',
      ask: 'askPx',
      eventTimeMs: 'ts',
      skip: [{ path: 'event', exists: true }, { text: 'pong' }],
    },
  },
  'kraken-ticker': {
    of: 'Kraken, channel ticker of version 2 of its WebSocket API',
    mapping: {
      updates: 'data',
      chain: { const: 'kraken' },
      pair: 'symbol',
      price: 'last',
      bid: 'bid',
      ask: 'ask',
      eventTimeMs: { timestamp: true },
      skip: [
        { path: 'channel', matches: '^(heartbeat|status)$' },
        { path: 'method', exists: true },
      ],
    },
  },
  'pyth-price': {
    of: 'Pyth, a price feed with its price and exponent',
    mapping: {
      chain: { const: 'pyth' },
      pair: { path: 'id', case: 'lower' },
      price: { path: 'price.price', exponent: 'price.expo' },
      eventTimeMs: { path: 'price.publish_time', unit: 's' },
    },
  },
}
