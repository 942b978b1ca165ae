import { describe, expect, it } from '@jest/globals'
import { inferFormat } from '../../src/formats/infer/infer.ts'
import type { KafkaRecord } from '../../src/kafka-record.ts'
import { AT_MS } from './stage.ts'

const SYMBOLS = ['BTCUSDT', 'ETHUSDT', 'SOLUSDT']

/** Records of a topic, a second apart. `valueAt` gives an object or a text. */
function records(
  count: number,
  valueAt: (at: number, atMs: number, symbol: string) => unknown,
  key?: string,
): KafkaRecord[] {
  return Array.from({ length: count }, (_, at) => {
    const atMs = AT_MS + at * 1_000
    const value = valueAt(at, atMs, SYMBOLS[at % SYMBOLS.length] as string)
    const text = typeof value === 'string' ? value : JSON.stringify(value)
    const of = { topic: 'prices.exchange', partition: 0, offset: BigInt(at), timestampMs: atMs + 20 }
    return { ...of, key: key === undefined ? undefined : Buffer.from(key), value: Buffer.from(text), headers: [] }
  })
}

const infer = (of: readonly KafkaRecord[]) => inferFormat('prices.exchange', of)

describe('the format of a topic is inferred', () => {
  it('from quotes with short names: the price is in the middle, quantities are no prices, acks are skipped', () => {
    const found = infer(
      records(60, (at, atMs, s) => {
        if (at % 20 === 7) return { result: null, id: at }
        return { s, b: `${100 + at}.10`, B: '1.2', a: `${100 + at}.20`, A: '0.4', u: 1_000 - at, E: atMs }
      }),
    )
    expect(found.mapping).toEqual({
      pair: 's',
      chain: { const: 'exchange' },
      price: { mid: ['b', 'a'] },
      bid: 'b',
      ask: 'a',
      eventTimeMs: 'E',
      skip: [{ path: 'result', exists: true }],
    })
    expect(found.report).toMatchObject({ records: 60, updates: 57, skipped: 3, refused: [] })
    expect(found.unsure).toEqual(['u: a sequence? it went back 54 times'])
  })

  it('with a side of 0 as no quote, and tells of it: half of the other side is no price', () => {
    const quote = (at: number, E: number, s: string) => ({ s, b: at % 20 === 7 ? '0.00' : '100.10', a: '100.20', E })
    const found = infer(records(60, quote))
    expect(found.mapping).toMatchObject({ price: { mid: ['b', 'a'] }, zero: 'absent' })
    expect(found.report).toMatchObject({ updates: 57, refused: [{ reason: 'missing-price', records: 3 }] })
    expect(found.unsure).toEqual(['b: no quote where it is 0? It is, in 3 of the records, which are refused'])
  })

  it('with a sequence that each pair counts for itself, whatever that of the pair before was', () => {
    const quote = (at: number, E: number, s: string) => ({
      s,
      p: `${100 + at}.5`,
      u: 1_000_000 * s.charCodeAt(0) + at,
      E,
    })
    expect(infer(records(30, quote))).toMatchObject({ mapping: { sequence: 'u' }, unsure: [] })
    const once = infer(records(30, (at, E, s) => ({ ...quote(at, E, s), u: at === 20 ? 1 : quote(at, E, s).u })))
    expect(once.mapping).not.toHaveProperty('sequence')
    expect(once.unsure).toEqual(['u: a sequence? it went back once'])
  })

  it('from JSON in a text: a few other texts in its place are skipped, one that is cut off is not', () => {
    const frame = (at: number, s: string) =>
      at % 20 === 7 ? 'pong' : JSON.stringify({ s, p: `${100 + at}.5` }).slice(0, at === 30 ? 9 : undefined)
    const found = infer(records(60, (at, E, s) => ({ venue: 'x', E, frame: frame(at, s) })))
    expect(found.mapping).toMatchObject({ text: 'frame', pair: 's', skip: [{ text: 'pong' }] })
    expect(found.report).toMatchObject({ updates: 56, skipped: 3, refused: [{ reason: 'not-json', records: 1 }] })
  })

  it('from nanoseconds that no double holds, which are shown as the records have them', () => {
    const found = infer(
      records(30, (at, E, s) => `{"s":"${s}","p":"${100 + at}.5","ts":${E}${at === 1 ? 123456 : 123457}}`),
    )
    expect(found.mapping).toMatchObject({ eventTimeMs: { path: 'ts', unit: 'ns' } })
    const examples = [`${AT_MS}123457`, `${AT_MS + 1000}123456`, `${AT_MS + 2000}123457`]
    expect(found.fields).toContainEqual({ field: 'eventTimeMs', from: 'ts, in ns', examples })
  })

  it('from a list deep in the records, with the time around it', () => {
    const found = infer(
      records(20, (at, atMs, product_id) => {
        if (at === 3) return { channel: 'heartbeats', heartbeat_counter: at, timestamp: new Date(atMs).toISOString() }
        const tickers = [{ type: 'ticker', product_id, price: `${100 + at}`, volume_24_h: '12' }]
        return { channel: 'ticker', timestamp: new Date(atMs).toISOString(), events: [{ type: 'update', tickers }] }
      }),
    )
    expect(found.mapping).toMatchObject({
      updates: 'events.0.tickers',
      pair: 'product_id',
      price: 'price',
      eventTimeMs: { unit: 'iso' },
    })
    expect(found.report).toMatchObject({ updates: 19, skipped: 1, refused: [] })
  })

  it('from JSON inside a text', () => {
    const found = infer(
      records(20, (at, atMs, sym) => ({
        ...{ venue: 'x', seq: at, recv_ns: `${atMs}456789` },
        frame: at === 4 ? 'pong' : JSON.stringify({ sym, bid: 100 + at, ask: 100.5 + at }),
      })),
    )
    expect(found.mapping).toMatchObject({
      text: 'frame',
      pair: 'sym',
      chain: { outer: 'venue' },
      price: { mid: ['bid', 'ask'] },
      eventTimeMs: { outer: 'recv_ns', unit: 'ns' },
    })
    expect(found.report).toMatchObject({ updates: 19 })
  })

  it('from changes of a database', () => {
    const found = infer(
      records(20, (at, atMs, symbol) => ({
        before: null,
        after: { symbol, rate: 1 + at / 100, at: atMs * 1_000 },
        ...{ op: 'u', ts_ms: atMs + 5 },
      })),
    )
    expect(found.mapping).toMatchObject({
      record: ['after'],
      pair: 'symbol',
      price: 'rate',
      eventTimeMs: { path: 'at', unit: 'us' },
    })
    expect(found.report).toMatchObject({ updates: 20, refused: [] })
  })

  it.each<readonly [unit: string, time: (atMs: number) => unknown]>([
    ['s', (atMs) => Math.floor(atMs / 1_000)],
    ['s', (atMs) => (atMs / 1_000).toFixed(6)],
    ['us', (atMs) => atMs * 1_000],
    ['iso', (atMs) => new Date(atMs).toISOString()],
  ])('with the unit of its times: %s', (unit, time) => {
    const found = infer(records(10, (at, atMs, symbol) => ({ symbol, price: 1 + at, time: time(atMs) })))
    expect(found.mapping).toMatchObject({ eventTimeMs: { path: 'time', unit } })
  })

  it('with the time of Kafka if one record alone shows times, in the items of a list or around them', () => {
    const found = [{ at: 1 }, { time: AT_MS }].map((around) => {
      const items = SYMBOLS.map((symbol, at) => ({ symbol, price: 5 + at, ...('at' in around && { at: AT_MS + at }) }))
      return infer([...records(1, () => ({ ...around, data: items })), ...records(3, () => ({ type: 'beat' }))])
    })
    expect(found.map(({ mapping }) => mapping?.eventTimeMs)).toEqual([{ timestamp: true }, { timestamp: true }])
  })

  it('with no time that is its price, and says that such a price looks like one', () => {
    const found = infer(records(20, (_, price, symbol) => ({ symbol, price })))
    expect(found.mapping).toMatchObject({ price: 'price', eventTimeMs: { timestamp: true } })
    expect(found.unsure).toContain('price: a price? its numbers look like times')
  })

  it('with the time of Kafka, and says so, if one record alone shows a time', () => {
    const found = infer(records(1, (_, atMs, symbol) => ({ symbol, price: 1, time: atMs })))
    expect(found.mapping).toMatchObject({ eventTimeMs: { timestamp: true } })
    expect(found.unsure).toEqual([expect.stringContaining('that of Kafka')])
  })

  it('from lines of a file that was captured years ago, and not from such records of Kafka', () => {
    const old = records(10, (at, atMs, symbol) => ({ symbol, price: 1 + at, time: (atMs - 1e11) / 1_000 }))
    const mappings = [false, true].map((areTimed) => inferFormat('prices.exchange', old, { areTimed }).mapping)
    expect(mappings.map((mapping) => mapping?.eventTimeMs)).toEqual([{ path: 'time', unit: 's' }, { timestamp: true }])
  })

  it('not from records of a schema registry, which it knows by the ids in front of their values', () => {
    const framed = records(30, () => '\u0000\u0000\u0000\u0000\u0007abc')
    expect(infer(framed)).toMatchObject({ mapping: undefined, unsure: [expect.stringContaining('a registry')] })
    expect(infer(records(30, () => 'pong'))).toMatchObject({ unsure: ['no record is JSON'] })
    const tombstones = records(3, () => '').map((record) => ({ ...record, value: undefined }))
    expect(infer(tombstones)).toMatchObject({ unsure: ['no record is JSON'] })
  })

  it('and refused records are told, not hidden', () => {
    const found = infer(records(20, (at, atMs, symbol) => ({ symbol, price: at === 7 ? 'n/a' : 1 + at, time: atMs })))
    expect(found.report).toMatchObject({ updates: 19, refused: [{ reason: 'wrong-type', records: 1 }] })
  })

  it('and a pair, a time or a quantity of an update that lacks a price skips nothing', () => {
    const found = infer(
      records(50, (at, time, symbol) => {
        if (at === 7) return { type: 'quote', symbol: 'X', time: 1, volume: 7_777 }
        if (at % 5 === 0) return { type: 'heartbeat', sent: time }
        return { type: 'quote', symbol, price: 1 + at, time, volume: at }
      }),
    )
    expect(found.mapping?.skip).toEqual([{ path: 'sent', exists: true }])
    expect(found.report).toMatchObject({ updates: 39, skipped: 10, refused: [{ reason: 'missing-price', records: 1 }] })
  })

  it.each([
    ['text', (at: number) => `line ${at}`],
    ['no price', (_: number, atMs: number, symbol: string) => ({ symbol, time: atMs })],
    ['no pair', (at: number, atMs: number) => ({ price: at, time: atMs })],
    ['no time beside the price', (at: number, time: number, pair: string) => (at % 2 ? { pair, price: 1 } : { time })],
  ])('or not, and says what is lacking: %s', (_, valueAt) => {
    const found = infer(records(10, valueAt))
    expect(found.mapping).toBeUndefined()
    expect(found.unsure).toEqual([expect.stringMatching(/\w$/)])
  })
})
