import { describe, expect, test } from '@jest/globals'
import { lineChart } from '../../../bin/report/line-chart.ts'
import { naming } from '../../../bin/report/lines.ts'
import { simulationReport } from '../../../bin/report/report.ts'
import type { SimulationRow } from '../../../src/simulate/row.ts'

function rowOf(row: Partial<SimulationRow>): SimulationRow {
  return {
    ...{ input: 'day.ndjson', capacity: 0.05, slots: 50, policy: 'forewarm', warming: 'none' },
    ...{ lookAhead: 'off', attribution: 'on', delayMs: 0, warmMs: 1 },
    ...{ reads: 1000, hits: 500, hitRatio: 0.5, warms: 0, warmsUsed: 0, seconds: 0.1 },
    ...{
      accuracy: undefined,
      coverage: 0,
      timeliness: undefined,
      pollution: 0,
      redundancy: undefined,
      l2ReadsPerSavedMiss: undefined,
    },
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

/** The cells of the summary tables, without their bars. */
function summaryOf(report: string): readonly (readonly string[])[] {
  const tables = report.match(/<table class="summary">.*?<\/table>/gs) ?? []
  return tables.flatMap((table) =>
    (table.match(/<tr><td>.*?<\/tr>/g) ?? []).map((line) =>
      line.split('</td><td>').map((cell) => cell.replace(/<.*?>/g, '')),
    ),
  )
}

describe('a report of a simulation', () => {
  test('shows for each capacity what warming saves, and what could be saved', () => {
    expect(summaryOf(reportOf(ROWS))).toEqual([
      ['5 % (50)', '', '0.5000', '0.9000', '80.0 %', '1.10', '1.0000', 'forewarm'],
      ['10 % (100)', '', '0.6000', '0.9500', '87.5 %', '–', '–', 'forewarm'],
    ])
  })

  test('says first whether warming pays', () => {
    const verdictOf = (rows: readonly SimulationRow[]) => /<p class="verdict">(.*?)<\/p>/.exec(reportOf(rows))?.[1]
    const ours = (capacity: number, coverage: number | undefined, l2ReadsPerSavedMiss: number | undefined) => [
      rowOf({ capacity }),
      rowOf({ capacity, warming: 'forewarm', coverage, l2ReadsPerSavedMiss }),
    ]
    const [saving, alike] = [ours(0.05, 0.8, 1.1), ours(0.1, 0.8, 1.1)]
    const price = 'reads of L2 each (1 is free: the miss would have read it)'
    expect(verdictOf(saving)).toBe(`Warming saves 80.0 % of the misses, for 1.10 ${price}.`)
    expect(verdictOf([...saving, ...alike])).toBe(`Warming saves 80.0 % of the misses, for 1.10 ${price}.`)
    expect(verdictOf([...saving, ...ours(0.2, 0.095, 12), ...ours(0.5, -0.1, undefined)])).toBe(
      `Warming saves 9.5 to 80.0 % of the misses, for 1.10 to 12.00 ${price}; nothing with slots for 50 %.`,
    )
    const waiting = saving.map((row) => ({ ...row, lookAhead: 'await' as const, hitRatio: row.hitRatio + 0.1 }))
    expect(verdictOf([...saving, ...waiting])).toBe(
      `With LOOK_AHEAD=await, warming saves 80.0 % of the misses, for 1.10 ${price}.`,
    )
    for (const nothing of [-0.1, 0.0004, undefined])
      expect(verdictOf(ours(0.05, nothing, undefined))).toBe('Warming saves nothing here: leave it off.')
    expect(verdictOf([rowOf({})])).toBeUndefined()
  })

  test('tells of the settings that a node runs with, and what the others would give', () => {
    const verdictOf = (rows: readonly SimulationRow[]) => /<p class="verdict">(.*?)<\/p>/.exec(reportOf(rows))?.[1]
    const of = (lookAhead: SimulationRow['lookAhead'], hitRatio: number, coverage: number) =>
      rowOf({ warming: 'forewarm', lookAhead, hitRatio, coverage, l2ReadsPerSavedMiss: 1.1 })
    const [none, auto] = [rowOf({ lookAhead: 'auto' }), of('auto', 0.9, 0.8)]
    expect(verdictOf([none, auto])).toBe(
      'Warming saves 80.0 % of the misses, for 1.10 reads of L2 each (1 is free: the miss would have read it).',
    )
    const all = [none, auto, of('off', 0.5, 0), of('overlap', 0.55, 0.1), of('await', 0.95, 0.9)]
    expect(verdictOf(all)).toBe(
      'With LOOK_AHEAD=auto, warming saves 80.0 % of the misses, for 1.10 reads of L2 each ' +
        '(1 is free: the miss would have read it). Others would save: LOOK_AHEAD=off (no handler waits) nothing; ' +
        'LOOK_AHEAD=overlap (no handler waits) 10.0 % of the misses, for 1.10 each; ' +
        'LOOK_AHEAD=await 90.0 % of the misses, for 1.10 each.',
    )
    expect(summaryOf(reportOf(all))[0]?.slice(3, 5)).toEqual(['0.9000', '80.0 %'])
    // The headline does not boast with what does not run.
    expect(verdictOf([none, of('auto', 0.5, 0), of('await', 0.95, 0.9)])).toBe(
      'Warming saves nothing here. Others would save: LOOK_AHEAD=await 90.0 % of the misses, for 1.10 each.',
    )
  })

  test('compares warming only with rows of the same delay and policy', () => {
    const of = (delayMs: number, none: number, ours: number) => [
      rowOf({ delayMs, hitRatio: none }),
      rowOf({ delayMs, warming: 'forewarm', lookAhead: 'off', hitRatio: ours - 0.1 }),
      rowOf({ delayMs, warming: 'forewarm', lookAhead: 'await', hitRatio: ours }),
    ]
    const lru = [rowOf({ policy: 'lru', hitRatio: 0.1 }), rowOf({ policy: 'lru', warming: 'forewarm', hitRatio: 0.99 })]
    const summary = summaryOf(reportOf([...of(0, 0.4, 0.9), ...of(50, 0.5, 0.7), ...lru]))
    expect(summary.map(([, , without, withIt, , , , way]) => [without, withIt, way])).toEqual([
      ['0.4000', '0.9000', 'forewarm, forewarm, look-ahead await'],
      ['0.5000', '0.7000', 'forewarm, look-ahead await'],
    ])
    expect(summaryOf(reportOf(lru))[0]?.slice(2, 4)).toEqual(['0.1000', '0.9900'])
  })

  test('shows a loss as well as a gain', () => {
    const report = reportOf([rowOf({}), rowOf({ warming: 'forewarm', hitRatio: 0.4, coverage: -0.2 })])
    expect(summaryOf(report)[0]?.[4]).toBe('-20.0 %')
    expect(report).toContain('<i style="width:40.0%"></i><i class="less" style="width:10.0%"></i>')
  })

  test('has no summary if there is nothing to compare warming with', () => {
    expect(summaryOf(reportOf([rowOf({}), rowOf({ warming: 'oracle' })]))).toEqual([])
    expect(summaryOf(reportOf([rowOf({ warming: 'forewarm' })]))).toEqual([])
  })

  test('has a line by capacity for each combination, and one over time for each at each capacity', () => {
    const report = reportOf(ROWS)
    expect(report.match(/<figure>/g)).toHaveLength(3)
    expect(report.match(/<polyline/g)).toHaveLength(3 + 3 + 2)
    expect(report.match(/<tr><td>/g)).toHaveLength(2 + ROWS.length)
  })

  test('has separate charts for each delay from an update to its reads', () => {
    const report = reportOf([rowOf({ delayMs: 50 }), rowOf({}), rowOf({ delayMs: 50, warming: 'oracle', hitRatio: 1 })])
    expect(report.match(/<h2>.*?<\/h2>/g)).toEqual([
      '<h2>Read at once</h2>',
      '<h2>Read 50 ms after the update</h2>',
      '<h2>Every row</h2>',
    ])
    expect(report.match(/<figure>/g)).toHaveLength(4)
  })

  test('shows the hit ratio between two samples, and no point if nothing was read between them', () => {
    const over = reportOf([rowOf({})])
      .split('Hit ratio over time')
      .at(-1)
    // The y axis is 210 high, starts 10 below the top, and begins at 0.5.
    expect(over).toMatch(/points="[\d.]+,220\.0 [\d.]+,10\.0"/)
  })

  test('names lines by what differs, and shows a baseline once', () => {
    const report = reportOf([
      rowOf({}),
      rowOf({ lookAhead: 'await' }),
      rowOf({ warming: 'forewarm' }),
      rowOf({ warming: 'forewarm', lookAhead: 'await' }),
    ])
    expect(report.match(/<title>[^<]*<\/title>/g)?.slice(1, 4)).toEqual([
      '<title>no warming</title>',
      '<title>forewarm, look-ahead off</title>',
      '<title>forewarm, look-ahead await</title>',
    ])
  })

  test('draws a warming in the same colour in every chart, and each policy with its own dashes', () => {
    const rows = [
      rowOf({}),
      rowOf({ warming: 'forewarm' }),
      rowOf({ policy: 'lru', warming: 'forewarm' }),
      rowOf({ capacity: 0.1, warming: 'forewarm' }),
    ]
    const { labelOf, strokeOf } = naming(rows)
    expect(rows.map(labelOf)).toEqual([
      'forewarm, no warming',
      'forewarm, forewarm',
      'lru, forewarm',
      'forewarm, forewarm',
    ])
    const [none, ours, lru, larger] = rows.map(strokeOf)
    expect(ours).toEqual(larger)
    expect(none?.colour).not.toBe(ours?.colour)
    expect([lru?.colour === ours?.colour, lru?.dash === ours?.dash]).toEqual([true, false])
  })

  test('loads nothing from elsewhere, and escapes names', () => {
    const report = reportOf([rowOf({ input: '<script>alert("x")</script>&' })])
    expect(report).not.toMatch(/https?:|<script|@import|url\(|src=/)
    expect(reportOf([rowOf({ input: '/a/<b>&' })])).toContain('<p>&#60;b&#62;&#38;, ')
    expect(report).not.toMatch(/NaN|Infinity|undefined/)
  })
})

describe('a chart of a report', () => {
  const stroke = { colour: '#000', dash: '' }
  const common = { title: 't', xLabel: 'x', withDots: true }

  test('spans from its first mark to its last, even where nothing is drawn', () => {
    const lines = [{ label: 'a', stroke, points: [[0.5, 0]] as const }]
    const chart = lineChart({ ...common, lines, xMarks: [[0, 'begin'] as const, [1, 'end'] as const] })
    expect(chart).toMatch(/x="46\.0"[^>]*>begin</)
    expect(chart).toMatch(/x="498\.0"[^>]*>end</)
    expect(chart).toContain('<circle cx="272.0" cy="220.0"')
  })

  test('draws a single point in the middle', () => {
    const lines = [{ label: 'a', stroke, points: [[0, 1]] as const }]
    expect(lineChart({ ...common, lines, xMarks: [[0, 'here']] })).toContain('<circle cx="272.0" cy="10.0"')
  })

  test.each([
    [0.95, ['0.9', '0.92', '0.94', '0.96', '0.98', '1']],
    [0.6, ['0.5', '0.6', '0.7', '0.8', '0.9', '1']],
    [0.1, ['0', '0.2', '0.4', '0.6', '0.8', '1']],
  ])('with the lowest value %d has a y axis that begins below it', (lowest, marks) => {
    const lines = [{ label: 'a', stroke, points: [[0, lowest] as const] }]
    const chart = lineChart({ ...common, lines, xMarks: [] })
    expect(chart.match(/middle">[\d.]+</g)?.map((text) => text.slice(8, -1))).toEqual(marks)
  })

  test('without lines has axes', () => {
    expect(lineChart({ ...common, lines: [], xMarks: [[0, 'here']] })).not.toMatch(/NaN|Infinity/)
  })
})
