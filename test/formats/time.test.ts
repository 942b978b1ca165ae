import { describe, expect, it } from '@jest/globals'
import { msOf, type TimeUnit } from '../../src/formats/time.ts'
import { AT_MS } from './stage.ts'

describe('a time is read exactly to the millisecond', () => {
  it.each<readonly [value: unknown, unit: TimeUnit, ms: number]>([
    [1_783_670_400, 's', AT_MS - 123],
    ['1783670400.123999', 's', AT_MS],
    [1_783_670_400.123456, 's', AT_MS],
    ['1.783670400123e9', 's', AT_MS],
    [AT_MS, 'ms', AT_MS],
    ['1783670400123.9', 'ms', AT_MS],
    [1_783_670_400_123_999, 'us', AT_MS],
    ['1783670400123999999', 'ns', AT_MS],
    [1_783_670_400, 'auto-by-digits', AT_MS - 123],
    ['1783670400123999999', 'auto-by-digits', AT_MS],
    ['2026-07-10T08:00:00.123456789Z', 'iso', AT_MS],
    ['2026-07-10 08:00:00,123', 'iso', AT_MS],
    ['2026-07-10T10:00:00.123+0200', 'iso', AT_MS],
    ['2026-07-10T10:00:00.123+02:00', 'iso', AT_MS],
    ['2026-07-10 10:00:00.123+02', 'iso', AT_MS],
    ['2026-07-10T08:00', 'iso', AT_MS - 123],
  ])('%p in %s', (value, unit, ms) => {
    expect(msOf(value, unit)).toBe(ms)
  })

  it.each<readonly [value: unknown, unit: TimeUnit]>([
    ['2026-02-30T08:00:00Z', 'iso'],
    ['2026-07-10', 'iso'],
    ['10/07/2026 08:00', 'iso'],
    [AT_MS, 'iso'],
    [12_345, 'auto-by-digits'],
    ['now', 'ms'],
    [true, 's'],
    [{}, 'ms'],
    ['9'.repeat(500), 'ms'],
  ])('or refused: %p in %s', (value, unit) => {
    expect(msOf(value, unit)).toMatchObject({ ok: false, reason: 'wrong-type' })
  })
})
