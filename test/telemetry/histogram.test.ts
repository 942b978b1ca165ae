import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { HistogramCell, shapeOf } from '../../src/telemetry/cells.ts'
import { INSTRUMENTS } from '../../src/telemetry/instruments.ts'

const BOUNDS = [0.5, 1, 2, 5, 10, 15, 20, 50, 75, 100, 250]

function filled(values: readonly number[], bounds: readonly number[] = BOUNDS): HistogramCell {
  const cell = new HistogramCell(shapeOf(bounds))
  for (const value of values) cell.record(value)
  return cell
}

/** The counts of a histogram that compares each value with each bound. */
function expected(values: readonly number[], bounds: readonly number[]): number[] {
  const counts = new Array<number>(bounds.length + 1).fill(0)
  for (const value of values) {
    const found = bounds.findIndex((bound) => value <= bound)
    const bucket = found < 0 ? bounds.length : found
    counts[bucket] = (counts[bucket] ?? 0) + 1
  }
  return counts
}

describe('a histogram', () => {
  test('folds to the same counts as comparing each value with each bound', () => {
    const value = fc.oneof(
      fc.double({ min: 0, max: 1000, noNaN: true }),
      fc.constantFrom(...BOUNDS),
      fc.double({ min: 0, max: Number.MAX_VALUE, noNaN: true }),
    )
    fc.assert(
      fc.property(fc.array(value), (values) => {
        expect(filled(values).fold()).toEqual(expected(values, BOUNDS))
      }),
    )
  })

  test('counts a value that equals a bound into that bound’s bucket, for every instrument', () => {
    for (const { bounds } of INSTRUMENTS) {
      if (bounds !== undefined) expect(filled(bounds, bounds).fold()).toEqual([...bounds.map(() => 1), 0])
    }
  })

  test('finds a quantile to within 6.25 %', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0.05, max: 2000, noNaN: true }), { minLength: 1 }), (values) => {
        const sorted = [...values].sort((a, b) => a - b)
        for (const q of [0, 0.5, 0.95, 0.99, 1]) {
          const exact = sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN
          const found = filled(values).quantile(q) ?? Number.NaN
          expect(Math.abs(found - exact) / exact).toBeLessThanOrEqual(0.0626)
        }
      }),
    )
  })

  test('has no quantile while it has no records', () => {
    expect(filled([]).quantile(0.5)).toBeUndefined()
  })

  test('counts a value below 0 as 0 and does not record one that is not finite', () => {
    const cell = filled([-5, Number.NaN, Number.POSITIVE_INFINITY, 3])
    expect([cell.count, cell.sum]).toEqual([2, 3])
    expect(cell.fold()[0]).toBe(1)
  })

  test('puts a value above all buckets into the last one, whose quantile is its lower end', () => {
    expect(filled([1e12]).quantile(0.99)).toBeGreaterThan(250)
    expect(filled([1e12]).fold().at(-1)).toBe(1)
  })
})
