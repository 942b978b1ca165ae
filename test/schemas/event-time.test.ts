import { expect, test } from '@jest/globals'
import { checkedAhead, checkedEventTime } from '../../schemas/event-time.ts'
import { decodePriceRecord } from '../../schemas/price-record.ts'
import { T0, updateOf } from './price-rows.ts'

test.each([
  ['event-time-seconds', T0 / 1000, 'seconds'],
  ['event-time-microseconds', T0 * 1e3, 'microseconds'],
  ['event-time-nanoseconds', T0 * 1e6, 'nanoseconds'],
])('a time in another unit is refused as %s, with the unit that it looks like', (reason, time, unit) => {
  const detail = `eventTimeMs: expected milliseconds since 1970, got ${time}, which looks like ${unit}`
  expect(checkedEventTime(time)).toEqual({ ok: false, reason, detail })
})

test.each([
  ['not-finite', Number.NaN],
  ['negative', -1],
  ['event-time-zero', 0],
  ['event-time-future', 2 ** 41],
  ['event-time-future', 99e12],
  ['event-time-future', 50e15],
  ['event-time-future', 1e300],
])('a time is refused as %s if it is %d', (reason, time) => {
  expect(checkedEventTime(time)).toMatchObject({ reason, detail: expect.stringContaining(String(time)) })
})

test('a time is refused from a minute ahead of the clock on', () => {
  expect([T0, T0 + 60_000].map((time) => checkedAhead(time, T0))).toEqual([undefined, undefined])
  expect(checkedAhead(T0 + 60_001, T0)).toMatchObject({ reason: 'event-time-future' })
})

test.each([
  [{ price: '1,234.5' }, 'update 0: price: expected a number, got "1,234.5"'],
  [{ price: '-37.63' }, 'update 0: price: at least 0, got "-37.63"'],
  [{ bid: '1e999' }, 'update 0: bid is "1e999"'],
  [{ pair: 7 }, 'update 0: pair: expected a string, got 7'],
  [{ group: 7 }, 'update 0: group: expected a string, got 7'],
  [{ eventTimeMs: 'today' }, 'update 0: eventTimeMs: expected a number, got "today"'],
  [{ eventTimeMs: `${T0}123` }, /got "1783715268000123", which looks like microseconds/],
  [{ price: 'x'.repeat(1000) }, `update 0: price: expected a number, got "${'x'.repeat(60)}"…`],
  [{ chain: `${'x'.repeat(1000)}` }, `chain: at most 64 bytes, got 1000: "${'x'.repeat(60)}"…`],
])('a refusal shows the value that came: %j', (fields, detail) => {
  const record = Buffer.from(JSON.stringify({ ...updateOf(), ...fields }))
  expect(decodePriceRecord(record)).toMatchObject({
    ok: false,
    detail: typeof detail === 'string' ? detail : expect.stringMatching(detail),
  })
})
