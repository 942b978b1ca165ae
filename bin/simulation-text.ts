import type { SimulationRow } from '../src/simulate/simulation-row.ts'

interface Column {
  readonly heading: string
  readonly width: number
  cell(row: SimulationRow): string
}

const COLUMNS: readonly Column[] = [
  { heading: 'policy', width: -9, cell: ({ policy }) => policy },
  { heading: 'warming', width: -13, cell: ({ warming }) => warming },
  { heading: 'capacity', width: 9, cell: ({ capacity }) => `${(capacity * 100).toFixed(2)} %` },
  { heading: 'slots', width: 9, cell: ({ slots }) => whole(slots) },
  { heading: 'hit ratio', width: 9, cell: ({ hitRatio }) => hitRatio.toFixed(4) },
  { heading: 'warms', width: 12, cell: ({ warms }) => whole(warms) },
  { heading: 'accuracy', width: 8, cell: ({ accuracy }) => share(accuracy) },
  { heading: 'coverage', width: 8, cell: ({ coverage }) => share(coverage) },
  { heading: 'timely', width: 6, cell: ({ timeliness }) => share(timeliness) },
  { heading: 'pollution', width: 9, cell: ({ pollution }) => share(pollution) },
  { heading: 'redundant', width: 9, cell: ({ redundancy }) => share(redundancy) },
  { heading: 'L2/saved', width: 8, cell: ({ l2ReadsPerSavedMiss }) => l2ReadsPerSavedMiss?.toFixed(2) ?? '–' },
  { heading: 'seconds', width: 8, cell: ({ seconds }) => seconds.toFixed(2) },
]

export function simulationHeading(): string {
  return lineOf(({ heading }) => heading)
}

/** A row for people, below its heading. */
export function simulationText(row: SimulationRow): string {
  return lineOf(({ cell }) => cell(row))
}

function lineOf(text: (column: Column) => string): string {
  return COLUMNS.map((column) => {
    const { width } = column
    return width < 0 ? text(column).padEnd(-width) : text(column).padStart(width)
  }).join(' ')
}

function share(value: number | null): string {
  return value === null ? '–' : value.toFixed(3)
}

function whole(value: number): string {
  return value.toLocaleString('en-US')
}
