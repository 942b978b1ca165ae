import { expect, test } from '@jest/globals'
import { momentMs } from '../../../src/replay/source/moment.ts'

const DAY = Date.UTC(2026, 6, 10)

test.each([
  ['2026-07-10', DAY],
  ['2026-07-10T00:00', DAY],
  ['2026-07-10T00:00Z', DAY],
  ['2026-07-10T02:00+02:00', DAY],
  ['2026-07-09T19:30-0430', DAY],
  ['2026-07-10T00:00:01.5Z', DAY + 1_500],
  ['2026-07-10T00:00:00,0019', DAY + 1],
  ['2024-02-29', Date.UTC(2024, 1, 29)],
  [String(DAY), DAY],
  [DAY, DAY],
  [0, 0],
])('the time %j is %d, in UTC if it names no zone', (moment, ms) => {
  expect(momentMs(moment)).toBe(ms)
})

test.each([
  'prices 7',
  '2026-02-31',
  '2026-02-29',
  '2026-13-01',
  '2026-00-10',
  '2026-07-10T24:00Z',
  '2026-07-10T00:60Z',
  '2026-07-10T00:00+99:00',
  '2026-07-10 00:00',
  'Jul 10 2026',
  '07/10/2026',
  '2026-7-1',
  'yesterday',
  '',
  ' ',
  '-1',
  '1783715268',
  Number.NaN,
  1_783_715_268,
  1_783_715_268_000_000,
])('%j is refused as a time', (moment) => {
  expect(momentMs(moment)).toBeUndefined()
})
