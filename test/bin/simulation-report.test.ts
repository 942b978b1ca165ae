import { describe, expect, test } from '@jest/globals'
import { lineChart } from '../../bin/line-chart.ts'
import { simulationReport } from '../../bin/simulation-report.ts'
import { simulationTable } from '../../bin/simulation-text.ts'
import type { SimulationRow } from '../../src/simulate/simulation-row.ts'

function rowOf(row: Partial<SimulationRow>): SimulationRow {
  return {
    ...{ input: 'day.ndjson', capacity: 0.05, slots: 50, policy: 'forewarm', warming: 'none' },
    ...{ lookAhead: 'off', attribution: 'on', delayMs: 0, warmMs: 1 },
    ...{ reads: 1000, hits: 500, hitRatio: 0.5, warms: 0, warmsUsed: 0, seconds: 0.1 },
    ...{ accuracy: null, coverage: 0, timeliness: null, pollution: 0, redundancy: null, l2ReadsPerSavedMiss: null },
    ...row,
  }
}

const SAMPLES = [
  { fraction: 0.5, reads: 0, hits: 0 },
  { fraction: 0.8, reads: 10, hits: 5 },
  { fraction: 1, reads: 20, hits: 15 },
]

function reportOf(rows: readonly SimulationRow[]): string {
  return simulationReport(
    rows.map((row) => ({ row, samples: SAMPLES })),
    'prices',
  )
}

const ROWS = [
  rowOf({}),
  rowOf({ capacity: 0.1, slots: 100, hitRatio: 0.6 }),
  rowOf({ warming: 'forewarm', hitRatio: 0.9, coverage: 0.8, l2ReadsPerSavedMiss: 1.1 }),
  rowOf({ warming: 'forewarm', capacity: 0.1, slots: 100, hitRatio: 0.95, coverage: 0.875 }),
  rowOf({ warming: 'oracle', hitRatio: 1, coverage: 1 }),
]

describe('a report', () => {
  test('says for each capacity what warming saves, and what could be saved', () => {
    const report = reportOf(ROWS)
    expect(report).toContain(
      '<li>5 % (50 slots): hit ratio 0.5000 without warming, 0.9000 with it: 80.0 % of the misses saved, ' +
        'at 1.10 reads of L2 each; 1.0000 if one knew what comes</li>',
    )
    expect(report).toContain('<li>10 % (100 slots): hit ratio 0.6000 without warming, 0.9500 with it: 87.5 %')
  })

  test('has a line by capacity for each way, and one over time for each at each capacity', () => {
    const report = reportOf(ROWS)
    expect(report.match(/<figure>/g)).toHaveLength(3)
    expect(report.match(/<polyline/g)).toHaveLength(3 + 3 + 2)
    expect(report.match(/<tr>/g)).toHaveLength(1 + ROWS.length)
  })

  test('shows the hit ratio of each stretch, and nothing where nothing was read', () => {
    const over = reportOf([rowOf({})])
      .split('Hit ratio over time')
      .at(-1)
    // The axis is 254 high from 10 down: .5 is its middle, 1 its top.
    expect(over).toMatch(/points="[\d.]+,137\.0 [\d.]+,10\.0"/)
  })

  test('tells lines apart by what differs, and shows a baseline once', () => {
    const report = reportOf([
      rowOf({}),
      rowOf({ lookAhead: 'await' }),
      rowOf({ warming: 'forewarm' }),
      rowOf({ warming: 'forewarm', lookAhead: 'await' }),
    ])
    expect(report.match(/<title>[^<]*<\/title>/g)?.slice(1, 4)).toEqual([
      '<title>none</title>',
      '<title>forewarm, look-ahead off</title>',
      '<title>forewarm, look-ahead await</title>',
    ])
  })

  test('needs nothing from elsewhere and lets no name be markup', () => {
    const report = reportOf([rowOf({ input: '<script>alert("x")</script>&' })])
    expect(report).not.toMatch(/https?:|<script|@import|url\(|src=/)
    expect(report).toContain('&#60;script&#62;')
    expect(report).not.toMatch(/NaN|Infinity|undefined/)
  })
})

test('a chart’s axis reaches from its first mark to its last, though nothing is drawn there', () => {
  const lines = [{ label: 'a', points: [[0.5, 1]] as const }]
  const xMarks = [[0, 'begin'] as const, [1, 'end'] as const]
  const chart = lineChart({ title: 't', xLabel: 'x', lines, xMarks, withDots: true })
  expect(chart).toMatch(/x="46\.0"[^>]*>begin</)
  expect(chart).toMatch(/x="700\.0"[^>]*>end</)
  expect(chart).toContain('<circle cx="373.0"')
})

test('a chart of a single point stands in the middle', () => {
  const lines = [{ label: 'a', points: [[0, 1]] as const }]
  const chart = lineChart({ title: 't', xLabel: 'x', lines, xMarks: [[0, 'here']], withDots: true })
  expect(chart).toContain('<circle cx="373.0" cy="10.0"')
})

test('a table has columns under each other, and those of delays only for prices', () => {
  for (const [of, expected] of [
    ['prices', true],
    ['accesses', false],
  ] as const) {
    const { headings, cellsOf, lineOf } = simulationTable(of)
    expect(headings.includes('delay')).toBe(expected)
    expect(lineOf(cellsOf(rowOf({})))).toHaveLength(lineOf(headings).length)
  }
})
