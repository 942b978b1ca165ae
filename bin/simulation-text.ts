import type { SimulationRow } from '../src/simulate/simulation-row.ts'

interface Column {
  readonly heading: string
  /** Below 0: text, which goes to the left. */
  readonly width: number
  cell(row: SimulationRow): string
}

const OF_BOTH: readonly Column[] = [
  { heading: 'policy', width: -8, cell: ({ policy }) => policy },
  { heading: 'warming', width: -12, cell: ({ warming }) => warming },
]

const OF_PRICES: readonly Column[] = [
  { heading: 'delay', width: 8, cell: ({ delayMs }) => `${delayMs} ms` },
  { heading: 'ahead', width: -7, cell: ({ lookAhead }) => lookAhead },
  { heading: 'attributed', width: -10, cell: ({ attribution }) => attribution },
]

const OUTCOMES: readonly Column[] = [
  { heading: 'capacity', width: 8, cell: ({ capacity }) => `${(capacity * 100).toFixed(2)} %` },
  { heading: 'slots', width: 9, cell: ({ slots }) => whole(slots) },
  { heading: 'hit ratio', width: 9, cell: ({ hitRatio }) => hitRatio.toFixed(4) },
  { heading: 'warms', width: 11, cell: ({ warms }) => whole(warms) },
  { heading: 'accuracy', width: 8, cell: ({ accuracy }) => share(accuracy) },
  { heading: 'coverage', width: 8, cell: ({ coverage }) => share(coverage) },
  { heading: 'timely', width: 6, cell: ({ timeliness }) => share(timeliness) },
  { heading: 'pollution', width: 9, cell: ({ pollution }) => share(pollution) },
  { heading: 'redundant', width: 9, cell: ({ redundancy }) => share(redundancy) },
  { heading: 'L2/saved', width: 8, cell: ({ l2ReadsPerSavedMiss }) => l2ReadsPerSavedMiss?.toFixed(2) ?? '–' },
  { heading: 'seconds', width: 7, cell: ({ seconds }) => seconds.toFixed(2) },
]

export interface SimulationTable {
  readonly headings: readonly string[]
  cellsOf(row: SimulationRow): readonly string[]
  /** Cells under each other, a line at a time. */
  lineOf(cells: readonly string[]): string
}

/** Rows for people. */
export function simulationTable(of: 'accesses' | 'prices'): SimulationTable {
  const columns = [...OF_BOTH, ...(of === 'prices' ? OF_PRICES : []), ...OUTCOMES]
  return {
    headings: columns.map(({ heading }) => heading),
    cellsOf: (row) => columns.map(({ cell }) => cell(row)),
    lineOf: (cells) =>
      columns.map(({ width }, at) => (width < 0 ? cells[at]?.padEnd(-width) : cells[at]?.padStart(width))).join(' '),
  }
}

function share(value: number | null): string {
  return value === null ? '–' : value.toFixed(3)
}

function whole(value: number): string {
  return value.toLocaleString('en-US')
}
