import type { Combination, SimulationRow } from '../../src/simulate/row.ts'

/** What was recorded: accesses by key, or price updates. */
export type TrafficKind = 'accesses' | 'prices'

interface Column<Row extends Combination> {
  readonly heading: string
  /** Text is aligned left, numbers are aligned right. */
  readonly isText?: boolean
  cell(row: Row): string
}

/** The columns of what was run. */
const POLICY: Column<Combination> = { heading: 'policy', isText: true, cell: ({ policy }) => policy }
const WARMING: Column<Combination> = { heading: 'warming', isText: true, cell: ({ warming }) => warming }
const OF_PRICES: readonly Column<Combination>[] = [
  { heading: 'delay', cell: ({ delayMs }) => `${delayMs} ms` },
  { heading: 'ahead', isText: true, cell: ({ lookAhead }) => lookAhead },
  { heading: 'attributed', isText: true, cell: ({ attribution }) => attribution },
]
const SLOTS: Column<Combination> = {
  heading: 'slots',
  cell: ({ capacity, slots }) => `${percent(capacity)} (${whole(slots)})`,
}

/** The columns that tell whether warming pays. */
const HIT_RATIO: Column<SimulationRow> = { heading: 'hit ratio', cell: ({ hitRatio }) => hitRatio.toFixed(4) }
const ACCURACY: Column<SimulationRow> = { heading: 'accuracy', cell: ({ accuracy }) => share(accuracy) }
const COVERAGE: Column<SimulationRow> = { heading: 'coverage', cell: ({ coverage }) => share(coverage) }
const L2_READS: Column<SimulationRow> = {
  heading: 'L2/saved',
  cell: ({ l2ReadsPerSavedMiss }) => l2ReadsPerSavedMiss?.toFixed(2) ?? '–',
}

/** All columns of results, for a page. */
const OUTCOMES: readonly Column<SimulationRow>[] = [
  HIT_RATIO,
  { heading: 'warms', cell: ({ warms }) => whole(warms) },
  ACCURACY,
  COVERAGE,
  { heading: 'timely', cell: ({ timeliness }) => share(timeliness) },
  { heading: 'pollution', cell: ({ pollution }) => share(pollution) },
  { heading: 'redundant', cell: ({ redundancy }) => share(redundancy) },
  L2_READS,
  { heading: 'seconds', cell: ({ seconds }) => seconds.toFixed(2) },
]

/** All columns, for a page. */
export function wholeTable(kind: TrafficKind) {
  const columns = [POLICY, WARMING, ...(kind === 'prices' ? OF_PRICES : []), SLOTS, ...OUTCOMES]
  return {
    headings: columns.map(({ heading }) => heading),
    cellsOf: (row: SimulationRow): readonly string[] => columns.map(({ cell }) => cell(row)),
  }
}

export interface TerminalTable {
  readonly headings: string
  /** The settings that all rows have in common, which get no column; undefined if there are none. */
  readonly inAllRows: string | undefined
  lineOf(row: SimulationRow): string
}

/** Lines for a terminal, 80 columns wide as a rule: without columns that are equal in all rows, or matter less. */
export function terminalTable(combinations: readonly Combination[], kind: TrafficKind): TerminalTable {
  const cellsOf = ({ cell }: Column<Combination>) => new Set(combinations.map(cell))
  const ways = kind === 'prices' ? OF_PRICES : []
  const [telling, same] = [ways.filter((way) => cellsOf(way).size > 1), ways.filter((way) => cellsOf(way).size === 1)]
  const widthOf = (column: Column<Combination>) => Math.max(...[...cellsOf(column)].map(({ length }) => length))
  const columns = [
    ...[POLICY, WARMING, ...telling, SLOTS].map((column) => ({ ...column, width: widthOf(column) })),
    ...[HIT_RATIO, ACCURACY, COVERAGE, L2_READS].map((column) => ({ ...column, width: 0 })),
  ].map((column) => ({ ...column, width: Math.max(column.width, column.heading.length) }))
  const line = (cells: readonly string[]) =>
    columns.map(({ isText, width }, at) => cells[at]?.[isText === true ? 'padEnd' : 'padStart'](width)).join(' ')
  const told = same.map((way) => `${way.heading} ${[...cellsOf(way)].join()}`)
  return {
    headings: line(columns.map(({ heading }) => heading)),
    inAllRows: told.length === 0 ? undefined : `in all rows: ${told.join(', ')}`,
    lineOf: (row) => line(columns.map(({ cell }) => cell(row))),
  }
}

export function percent(share: number): string {
  return `${Number((share * 100).toPrecision(3))} %`
}

function share(value: number | undefined): string {
  return value === undefined ? '–' : value.toFixed(3)
}

function whole(value: number): string {
  return value.toLocaleString('en-US')
}
