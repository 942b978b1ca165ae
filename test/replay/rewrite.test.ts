import { describe, expect, test } from '@jest/globals'
import { encodePriceAvro } from '../../schemas/price-avro.ts'
import { contentOf } from '../../src/replay/content.ts'
import type { ReplayRecord } from '../../src/replay/replay-record.ts'
import { rewrite } from '../../src/replay/rewrite.ts'
import { TimestampShift } from '../../src/replay/timestamps.ts'
import { priceAt, recordOf, T0 } from './record-builders.ts'
import { virtualTime } from './virtual-time.ts'
import { warmRecord } from './warm-records.ts'

function rewritten(record: ReplayRecord, timestampMs = record.timestampMs): ReplayRecord {
  return rewrite(record, contentOf(record), timestampMs)
}

describe('rewriting', () => {
  test('leaves a price record as it is when its timestamp is kept', () => {
    const record = recordOf(priceAt(0), { headers: [['feed', Buffer.from('a')]] })
    expect(rewritten(record)).toBe(record)
  })

  test('strips the headers of trace context and of copying tools, in any case, and no others', () => {
    const names = ['traceparent', 'TraceState', 'baggage', 'b3', 'mirror-origin', 'mm2_offset', '__replicator_id']
    const headers = [...names, 'feed', 'feed'].map((name) => [name, Buffer.from(name)] as const)
    const kept = rewritten(recordOf(priceAt(0), { headers })).headers.map(([name]) => name)
    expect(kept).toEqual(['feed', 'feed'])
  })

  test.each([
    ['JSON', (updates: ReturnType<typeof priceAt>[]) => Buffer.from(JSON.stringify({ v: 1, updates }))],
    ['Avro', (updates: ReturnType<typeof priceAt>[]) => encodePriceAvro(updates)],
  ])('moves event times in %s by as much as the timestamp', (_, encode) => {
    const updates = [priceAt(-5), priceAt(-3, { pair: 'B', bid: 1 })]
    const record = recordOf(priceAt(0), { timestampMs: T0, value: encode(updates) })
    const moved = rewritten(record, T0 + 1000)
    expect(moved.timestampMs).toBe(T0 + 1000)
    expect(contentOf(moved)).toEqual({ kind: 'prices', updates: [priceAt(995), priceAt(997, { pair: 'B', bid: 1 })] })
    expect(moved.value?.subarray(0, 5).equals(encode(updates).subarray(0, 5))).toBe(record.value?.[0] === 0)
  })

  test('marks a warm request as replayed, and moves its times', () => {
    const record = warmRecord({ notBeforeMs: T0 + 1, expiresAtMs: T0 + 2, strategy: 'forewarm' })
    expect(JSON.parse(rewritten(record, T0 + 500).value?.toString() ?? '')).toEqual({
      v: 1,
      requestId: 'request-1',
      chain: 'ethereum',
      pairs: ['WETH/USDC'],
      origin: 'replay',
      strategy: 'forewarm',
      priority: 'high',
      issuedAtMs: T0 + 500,
      notBeforeMs: T0 + 501,
      expiresAtMs: T0 + 502,
    })
    expect(JSON.parse(rewritten(record).value?.toString() ?? '')).toMatchObject({ origin: 'replay', issuedAtMs: T0 })
  })

  test('passes on a record that it cannot read', () => {
    const record = recordOf(priceAt(0), { value: Buffer.from([0xff, 0xfe]) })
    expect(rewritten(record, T0 + 1).value).toBe(record.value)
  })
})

describe('timestamps of a replay', () => {
  test('stay as they are with `keep`', () => {
    expect(new TimestampShift('keep', virtualTime(9)).at(T0)).toBe(T0)
  })

  test('are those of the replay of each record with `now`', () => {
    const time = virtualTime(100)
    const timestamps = new TimestampShift('now', time)
    const first = timestamps.at(T0)
    time.pass(7)
    expect([first, timestamps.at(T0)]).toEqual([100, 107])
  })

  test('begin now and keep their distances with `shift`', () => {
    const time = virtualTime(100)
    const timestamps = new TimestampShift('shift', time)
    const first = timestamps.at(T0)
    time.pass(7)
    expect([first, timestamps.at(T0 + 50), timestamps.at(T0 - 10)]).toEqual([100, 150, 90])
  })

  test('begin each pass after the end of the last one with `shift`', () => {
    const timestamps = new TimestampShift('shift', virtualTime(100))
    timestamps.at(T0)
    timestamps.at(T0 + 5000)
    timestamps.restart()
    expect([timestamps.at(T0), timestamps.at(T0 + 10)]).toEqual([5101, 5111])
  })
})
