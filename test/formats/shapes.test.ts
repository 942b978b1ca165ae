import { describe, expect, it } from '@jest/globals'
import { AT_MS, decoder } from './stage.ts'

const said = (updates: readonly object[], more: object = {}) => ({
  ok: true,
  updates,
  deleted: [],
  skipped: 0,
  rounded: 0,
  ...more,
})

describe('a mapping reads', () => {
  it('flat JSON with other names, decimals in texts, and a price in the middle of bid and ask', () => {
    const decode = decoder({
      chain: { topic: true },
      pair: 's',
      price: { mid: ['b', 'a'] },
      bid: 'b',
      ask: 'a',
      sequence: 'u',
      eventTimeMs: 'E',
    })
    const quote = { s: 'BTCUSDT', b: '64012.10', B: '1.2', a: '64012.20', A: '0.4', u: 400900217, E: AT_MS }
    const update = { pair: 'BTCUSDT', chain: 'prices.x', bid: 64012.1, ask: 64012.2, sequence: 400900217 }
    expect(decode(quote)).toEqual(said([{ ...update, price: 64012.15, eventTimeMs: AT_MS }]))
  })

  it('a list in a list’s item, with a time of nanoseconds in the record around it', () => {
    const decode = decoder({
      chain: { const: 'cb' },
      pair: 'product_id',
      price: 'price',
      updates: 'events.0.tickers',
      eventTimeMs: { outer: 'timestamp', unit: 'iso' },
    })
    const tickers = [
      { product_id: 'ETH-USD', price: '3120.5' },
      { product_id: 'BTC-USD', price: '64012' },
    ]
    const timestamp = '2026-07-10T08:00:00.123999999Z'
    expect(decode({ channel: 'ticker', events: [{ tickers }], timestamp })).toEqual(
      said([
        { pair: 'ETH-USD', chain: 'cb', price: 3120.5, eventTimeMs: AT_MS },
        { pair: 'BTC-USD', chain: 'cb', price: 64012, eventTimeMs: AT_MS },
      ]),
    )
  })

  it('JSON inside a text, with the venue of the envelope, and skips acks and pongs', () => {
    const decode = decoder({
      text: 'frame',
      updates: 'data',
      chain: { outer: 'venue' },
      pair: 'sym',
      price: 'px',
      eventTimeMs: { outer: 'recv_ns', unit: 'ns' },
      skip: [{ path: 'result', exists: true }, { path: 'data', absent: true }, { text: 'pong' }],
    })
    const enveloped = (frame: string) =>
      `{"venue":"x","seq":12,"recv_ns":1783670400123456789,"frame":${JSON.stringify(frame)}}`
    expect(decode(enveloped('{"data":[{"sym":"ETHUSDT","px":"3120.5"}]}'))).toEqual(
      said([{ pair: 'ETHUSDT', chain: 'x', price: 3120.5, eventTimeMs: AT_MS }]),
    )
    for (const frame of ['{"result":true,"id":1}', '{"id":1}', 'pong'])
      expect(decode(enveloped(frame))).toEqual(said([], { skipped: 1 }))
    expect(decode(enveloped('ping'))).toMatchObject({ ok: false, reason: 'not-json' })
  })

  it('changes of a database, with decimals in base64, and deletions', () => {
    const decode = decoder({
      record: ['payload.after', 'after', 'payload.before', 'before'],
      chain: { const: 'fx' },
      pair: 'symbol',
      price: { path: 'rate', decimal: { base64: true, scale: 6 } },
      eventTimeMs: { outer: 'ts_ms' },
      delete: [
        { path: 'op', equals: 'd' },
        { path: 'payload.op', equals: 'd' },
      ],
    })
    // 1.088409 × 10^6 = 0x109b99
    const after = { symbol: 'EURUSD', rate: Buffer.from('109b99', 'hex').toString('base64') }
    const update = { pair: 'EURUSD', chain: 'fx', price: 1.088409, eventTimeMs: AT_MS }
    expect(decode({ before: null, after, op: 'u', ts_ms: AT_MS })).toEqual(said([update]))
    expect(decode({ before: after, after: null, op: 'd', ts_ms: AT_MS })).toEqual(
      said([], { deleted: [{ pair: 'EURUSD', chain: 'fx' }] }),
    )
    expect(decode(undefined, { key: '{"id":1}' })).toEqual(said([], { skipped: 1 }))
  })

  it('integers with an exponent beside them, and with the decimals of a token', () => {
    const decode = decoder({
      chain: { const: 'pyth' },
      pair: { path: 'id', case: 'lower', aliases: { '0xab': 'ETH/USD' } },
      price: { path: 'price', exponent: 'expo' },
      reserve0: { path: 'r0', scale: 18 },
      liquidity: { path: 'l', decimal: { hex: true, scale: 18 } },
      eventTimeMs: { path: 'publish_time', unit: 's' },
    })
    const [r0, l] = ['1234567890123456789012', '0xde0b6b3a7640000']
    expect(decode({ id: '0xAB', price: '6401210000000', expo: -8, r0, l, publish_time: 1_783_670_400 })).toEqual(
      said(
        [
          {
            ...{
              pair: 'ETH/USD',
              chain: 'pyth',
              price: 64012.1,
              reserve0: Number('1234.567890123456789'),
              liquidity: 1,
            },
            eventTimeMs: AT_MS - 123,
          },
        ],
        { rounded: 1 },
      ),
    )
  })

  it('a topic for each symbol: pair and chain from the topic’s name, the time from Kafka', () => {
    const decode = decoder(
      {
        chain: { topic: 'venue' },
        pair: { topic: 'pair', case: 'upper', aliases: { 'XBT-USD': 'BTC-USD' } },
        price: 'last',
        eventTimeMs: { timestamp: true },
      },
      '/^ticker-(?<venue>[^-]+)-(?<pair>.+)$/',
    )
    expect(decode({ last: 1 }, { topic: 'ticker-kraken-xbt-usd' })).toEqual(
      said([{ pair: 'BTC-USD', chain: 'kraken', price: 1, eventTimeMs: AT_MS }]),
    )
  })

  it('a part of the topic’s name by any name that a group can have, and none that only looks like a group', () => {
    const fields = { chain: { const: 'c' }, price: 'p', eventTimeMs: { timestamp: true } }
    const decode = decoder({ ...fields, pair: { topic: 'börse' } }, '/^t-(?<börse>.+)$/')
    expect(decode({ p: 1 }, { topic: 't-x' })).toMatchObject({ updates: [{ pair: 'x' }] })
    expect(() => decoder({ ...fields, pair: { topic: 'a' } }, '/^t-[(?<a>]+$/')).toThrow('the pattern has none')
  })

  it('names from the key and from a header', () => {
    const decode = decoder({ chain: { header: 'venue' }, pair: { key: true }, price: 'p', eventTimeMs: 't' })
    const came = { key: 'ETH', headers: [['venue', Buffer.from('v')]] as const }
    expect(decode({ p: 1, t: AT_MS }, came)).toEqual(said([{ pair: 'ETH', chain: 'v', price: 1, eventTimeMs: AT_MS }]))
    expect(decode(undefined, came)).toEqual(said([], { deleted: [{ pair: 'ETH', chain: 'v' }] }))
  })

  it('quotes of one side, and 0 for no quote, as absent; prices below 0 where they are allowed', () => {
    const fields = { chain: { const: 'c' }, pair: 'p', price: 'l', bid: 'b', ask: 'a', eventTimeMs: 't' }
    const one = { pair: 'X', chain: 'c', eventTimeMs: AT_MS }
    const decode = decoder({ ...fields, zero: 'absent' })
    expect(decode({ p: 'X', l: 5, b: 0, a: '', t: AT_MS })).toEqual(said([{ ...one, price: 5 }]))
    expect(decode({ p: 'X', l: 0, b: 1, t: AT_MS })).toMatchObject({ reason: 'missing-price' })
    expect(decode({ p: 'X', l: -5, t: AT_MS })).toMatchObject({ reason: 'negative' })
    const signed = decoder({ ...fields, signed: true })
    expect(signed({ p: 'X', l: -37.63, b: '-38', a: 0, t: AT_MS })).toEqual(
      said([{ ...one, price: -37.63, bid: -38, ask: 0 }]),
    )
  })

  it('a quote of which one side is 0 for none as one without a price: half of the other side is none', () => {
    const fields = { chain: { const: 'c' }, pair: 'p', price: { mid: ['b', 'a'] }, ask: 'a', eventTimeMs: 't' }
    const decode = decoder({ ...fields, zero: 'absent' })
    const quote = { p: 'X', b: '0.00', a: '100', t: AT_MS }
    expect(decode(quote)).toMatchObject({ reason: 'missing-price' })
    expect(decode({ ...quote, b: '98' })).toMatchObject({ ok: true, updates: [{ price: 99 }] })
    expect(decode({ ...quote, b: 100, a: 0 })).toMatchObject({ reason: 'missing-price' })
    expect(decoder(fields)(quote)).toMatchObject({ ok: true, updates: [{ price: 50, ask: 100 }] })
    expect(decoder('binance-book-ticker')({ s: 'X', b: '0.00000000', a: '100' })).toMatchObject({
      reason: 'missing-price',
    })
  })

  it('the middle of two integers with a scale, with no more digits than it has', () => {
    const sides = ['b', 'a'].map((path) => ({ path, scale: 2 }))
    const decode = decoder({ chain: { const: 'c' }, pair: 'p', price: { mid: sides }, eventTimeMs: 't' })
    expect(decode({ p: 'X', b: 316_182_227_873_495, a: 998_985_022, t: AT_MS })).toMatchObject({
      updates: [{ price: 1_580_916_134_292.585 }],
    })
  })

  it('an empty text as no group', () => {
    const decode = decoder({ chain: { const: 'c' }, pair: 'p', group: 'g', price: 'l', eventTimeMs: 't' })
    const updates = ['', 'majors'].map((g) => decode({ p: 'X', g, l: 1, t: AT_MS }))
    const one = { pair: 'X', chain: 'c', price: 1, eventTimeMs: AT_MS }
    expect(updates).toEqual([said([one]), said([{ ...one, group: 'majors' }])])
  })

  it('the items of a list apart: those that are skipped are counted, the others are updates', () => {
    const decode = decoder({
      chain: { const: 'c' },
      pair: 'p',
      price: 'l',
      eventTimeMs: 't',
      skip: [
        { path: 'type', matches: '^(heartbeat|status)$' },
        { path: 'l', absent: true },
      ],
    })
    const item = { p: 'X', l: 5, t: AT_MS }
    expect(decode([item, { type: 'heartbeat' }, { p: 'Y', t: AT_MS }])).toEqual(
      said([{ pair: 'X', chain: 'c', price: 5, eventTimeMs: AT_MS }], { skipped: 2 }),
    )
    expect(decode([])).toEqual(said([], { skipped: 1 }))
  })
})
