import { expect, test } from '@jest/globals'
import { BreakEven } from '../../src/strategy/break-even.ts'

const READS = 20_000

/** The threshold after READS reads, with so many warms a read and so many misses caused by each warm. */
function after(cost: { readonly warmsPerRead: number; readonly missedPerWarm: number }, breakEven = newBreakEven()) {
  const { counts, threshold } = breakEven
  for (let i = 0; i < READS; i++) {
    counts.warms += cost.warmsPerRead
    counts.missedSoon += cost.warmsPerRead * cost.missedPerWarm
    threshold.read()
  }
  return threshold.probability
}

function newBreakEven() {
  const counts = { warms: 0, missedSoon: 0 }
  return { counts, threshold: new BreakEven(() => ({ ...counts })) }
}

test('the threshold is the misses that a warm causes plus the price of its read', () => {
  const free = after({ warmsPerRead: 1, missedPerWarm: 0 })
  expect(free).toBeGreaterThan(0)
  expect(free).toBeLessThan(0.05)
  expect(after({ warmsPerRead: 1, missedPerWarm: 0.3 }) - free).toBeCloseTo(0.3, 1)
})

test('a few warms move the threshold less than many', () => {
  const { threshold } = newBreakEven()
  const begin = threshold.probability
  const few = after({ warmsPerRead: 0.001, missedPerWarm: 1 })
  expect(few).toBeGreaterThan(begin)
  expect(few).toBeLessThan(after({ warmsPerRead: 1, missedPerWarm: 1 }) / 2)
})

test('the cost of old warms is forgotten, so that warming is tried again', () => {
  const breakEven = newBreakEven()
  const begin = breakEven.threshold.probability
  expect(after({ warmsPerRead: 1, missedPerWarm: 1 }, breakEven)).toBeGreaterThan(0.9)
  for (let silent = 0; silent < 5; silent++) after({ warmsPerRead: 0, missedPerWarm: 0 }, breakEven)
  expect(breakEven.threshold.probability).toBeCloseTo(begin, 2)
})
