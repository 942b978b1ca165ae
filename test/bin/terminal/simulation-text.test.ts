import { expect, test } from '@jest/globals'
import { terminalTable, wholeTable } from '../../../bin/terminal/simulation-text.ts'
import { POLICY_NAMES } from '../../../src/simulate/policies/policies.ts'
import type { Combination, SimulationRow } from '../../../src/simulate/row.ts'
import { type PriceChoices, priceCombinations, sizesOf } from '../../../src/simulate/simulate.ts'
import { WARMING_NAMES } from '../../../src/simulate/warmings/warmings.ts'

const CHOICES: PriceChoices = {
  ...{ sizes: sizesOf(4_700, { capacity: [0.01, 0.05, 0.2] }), policies: ['forewarm'], warmings: ['none', 'forewarm'] },
  ...{ lookAheads: ['overlap'], attributions: ['on'], delaysMs: [0], warmMs: 1 },
}

function rowOf(combination: Combination | undefined): SimulationRow {
  if (combination === undefined) throw new Error('a combination is missing')
  return {
    ...{ ...combination, input: 'day.ndjson', reads: 1_000_000, hits: 812_345, hitRatio: 0.812345, warms: 450_000 },
    ...{ warmsUsed: 400_000, accuracy: 0.8889, coverage: -0.0213, timeliness: 1, pollution: 0.02, redundancy: 0.1 },
    ...{ l2ReadsPerSavedMiss: 1.25, seconds: 12.5 },
  }
}

test('on a terminal a row of a simulation stands under its headings', () => {
  const combinations = priceCombinations(CHOICES)
  const { headings, lineOf } = terminalTable(combinations, 'accesses')
  expect([headings, lineOf(rowOf(combinations[1])), lineOf(rowOf(combinations[5]))]).toEqual([
    'policy   warming       slots hit ratio accuracy coverage L2/saved',
    'forewarm none      5 % (235)    0.8123    0.889   -0.021     1.25',
    'forewarm forewarm 20 % (940)    0.8123    0.889   -0.021     1.25',
  ])
})

test('what all rows of a simulation have in common is said once, and for accesses not at all', () => {
  const combinations = priceCombinations({ ...CHOICES, delaysMs: [0, 50] })
  const { headings, inAllRows } = terminalTable(combinations, 'prices')
  expect(headings).toMatch(/^policy +warming +delay +slots/)
  expect(inAllRows).toBe('in all rows: ahead overlap, attributed on')
  expect(terminalTable(combinations, 'accesses').inAllRows).toBeUndefined()
})

test('a row of a simulation fits 80 columns if some choices differ, and 100 if all do', () => {
  const delays = priceCombinations({ ...CHOICES, delaysMs: [0, 50], lookAheads: ['off', 'overlap', 'await'] })
  const all = priceCombinations({
    ...{ sizes: sizesOf(100_000, { capacity: [0.001, 0.2] }), policies: POLICY_NAMES, warmings: WARMING_NAMES },
    ...{ lookAheads: ['off', 'overlap', 'await'], attributions: ['on', 'off'], delaysMs: [0, 1_000], warmMs: 1 },
  })
  const widest = (combinations: readonly Combination[]) => {
    const { headings, lineOf } = terminalTable(combinations, 'prices')
    return Math.max(headings.length, ...combinations.map((combination) => lineOf(rowOf(combination)).length))
  }
  expect(widest(delays)).toBeLessThanOrEqual(80)
  expect(widest(all)).toBeLessThanOrEqual(100)
})

test('the whole table of a simulation has a cell under each heading, and delays only for prices', () => {
  const row = rowOf(priceCombinations(CHOICES)[0])
  for (const kind of ['prices', 'accesses'] as const) {
    const { headings, cellsOf } = wholeTable(kind)
    expect(headings.includes('delay')).toBe(kind === 'prices')
    expect(cellsOf(row)).toHaveLength(headings.length)
    expect(cellsOf(row)).toContain('12.50')
  }
})
