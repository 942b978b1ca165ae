import { expect, test } from '@jest/globals'
import { readWhileWriting, type ThreadsReport } from '../cache/l1/threads.ts'

const SEED = 20_260_710

function total(report: ThreadsReport, count: 'hits' | 'misses' | 'torn' | 'back'): number {
  return report.readers.reduce((sum, tally) => sum + tally[count], 0)
}

/** A fast writer over few pairs: it comes round to the copy that is being read. */
const CROWDED = { pairs: 2, slots: 2, writesPerSecond: 10_000_000, readers: 2, readsEach: 5_000_000, seed: SEED }

test('two readers of L1 make 10⁸ reads beside 100,000 writes a second, of which none is torn or goes back', async () => {
  const report = await readWhileWriting({
    ...{ pairs: 64, slots: 64, writesPerSecond: 100_000, seed: SEED },
    ...{ readers: 2, readsEach: 50_000_000 },
  })
  expect([total(report, 'torn'), total(report, 'back')]).toEqual([0, 0])
  expect(total(report, 'hits') + total(report, 'misses')).toBe(100_000_000)
  expect(total(report, 'hits')).toBeGreaterThan(99_000_000)
  expect(report.written).toBeGreaterThan(0)
}, 600_000)

test('no read of L1 is torn or goes back while slots change their pairs all the time', async () => {
  const report = await readWhileWriting({ ...CROWDED, pairs: 40, slots: 8, writesPerSecond: 1_000_000 })
  expect([total(report, 'torn'), total(report, 'back')]).toEqual([0, 0])
  expect(total(report, 'hits')).toBeGreaterThan(0)
  expect(total(report, 'misses')).toBeGreaterThan(0)
}, 120_000)

test('no read of L1 is torn or goes back while a fast writer comes round to the copy that is being read', async () => {
  const report = await readWhileWriting(CROWDED)
  expect([total(report, 'torn'), total(report, 'back')]).toEqual([0, 0])
}, 120_000)
