import type { Figure, Ratio, Value } from './bench.ts'

/** A line of `--json`. `null`: the case has no bound. */
export type Row = RatioRow | BoundRow

export interface RatioRow extends Omit<Ratio, 'kind'> {
  readonly bench: string
  readonly floor: number | null
}

export interface BoundRow extends Omit<Value, 'kind'> {
  readonly bench: string
  readonly limit: number | null
  readonly within: boolean | null
}

/** The bound of one case: a ratio is at least `floor`, a value at most `limit`. */
export interface Bound {
  readonly floor?: number
  readonly limit?: number
}

/** floors.json: bounds by bench and case. */
export type Bounds = Readonly<Record<string, Readonly<Record<string, Bound>>>>

/** Significant digits of a figure. The machine's noise is in the third. */
const DIGITS = 5

export function rowOf(bench: string, figure: Figure, bound: Bound | undefined): Row {
  const { case: name, unit } = figure
  if (figure.kind === 'value') {
    if (bound?.floor !== undefined) throw new Error(`floors.json: ${bench}, ${name} has no anchor, it needs a limit`)
    const limit = bound?.limit ?? null
    const within = limit === null ? null : figure.value <= limit
    return { bench, case: name, unit, value: rounded(figure.value), limit, within }
  }
  if (bound?.limit !== undefined) throw new Error(`floors.json: ${bench}, ${name} is a ratio, it needs a floor`)
  const { kind: _, ...ratio } = figure
  return {
    bench,
    ...ratio,
    ours: rounded(ratio.ours),
    anchorValue: rounded(ratio.anchorValue),
    ratio: rounded(ratio.ratio),
    ratioMin: rounded(ratio.ratioMin),
    ratioMax: rounded(ratio.ratioMax),
    floor: bound?.floor ?? null,
  }
}

export function isMissed(row: Row): boolean {
  return 'ratio' in row ? row.floor !== null && !(row.ratio >= row.floor) : row.within === false
}

/** Names of bounds whose case was not measured: they hold nothing, and nobody would notice. */
export function boundsOfNothing(bounds: Readonly<Record<string, Bound>>, rows: readonly Row[]): readonly string[] {
  const measured = new Set(rows.map((row) => row.case))
  return Object.keys(bounds).filter((name) => !measured.has(name))
}

export function rounded(value: number): number {
  return Number(value.toPrecision(DIGITS))
}
