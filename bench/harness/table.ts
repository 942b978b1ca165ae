import { isMissed, type Row } from './row.ts'

const HEADINGS = ['case', 'unit', 'ours', 'anchor', 'anchor’s', 'ratio (min–max)', 'floor']

/** The rows of one bench for people: numbers to the right, names to the left; `isHeld` marks what missed its bound. */
export function tableOf(bench: string, rows: readonly Row[], { isHeld }: { readonly isHeld: boolean }): string {
  const lines = rows.map((row) => cells(row, isHeld && isMissed(row) ? ' missed' : ''))
  return aligned(bench, [HEADINGS, ...lines], [0, 1, 3])
}

/** Columns as wide as they need to be, those of `texts` aligned at the left. */
export function aligned(title: string, lines: readonly (readonly string[])[], texts: readonly number[]): string {
  const width = (column: number): number => Math.max(...lines.map((line) => line[column]?.length ?? 0))
  const drawn = lines.map((line) =>
    line
      .map((cell, column) => (texts.includes(column) ? cell.padEnd(width(column)) : cell.padStart(width(column))))
      .join('  ')
      .trimEnd(),
  )
  return `${title}\n${drawn.map((line) => `  ${line}\n`).join('')}`
}

function cells(row: Row, mark: string): string[] {
  if ('value' in row)
    return [
      row.case,
      row.unit,
      number(row.value),
      '',
      '',
      '',
      row.limit === null ? '' : `≤ ${number(row.limit)}${mark}`,
    ]
  return [
    row.case,
    row.unit,
    number(row.ours),
    row.anchor,
    number(row.anchorValue),
    `${number(row.ratio)} (${number(row.ratioMin)}–${number(row.ratioMax)})`,
    row.floor === null ? '' : `${number(row.floor)}${mark}`,
  ]
}

/** Three digits; more if there are more before the point. */
export function number(value: number): string {
  if (value === 0) return '0'
  const digits = Math.max(3, Math.floor(Math.log10(Math.abs(value))) + 1)
  return Number(value.toPrecision(digits)).toLocaleString('en-US', { maximumFractionDigits: 6 })
}
