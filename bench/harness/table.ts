import { isMissed, type Row } from './row.ts'

const HEADINGS = ['case', 'unit', 'ours', 'anchor', 'anchor’s', 'ratio (min–max)', 'floor']

/** The rows of one bench for people: numbers to the right, names to the left; `isHeld` marks what missed its bound. */
export function tableOf(bench: string, rows: readonly Row[], { isHeld }: { readonly isHeld: boolean }): string {
  const lines = [HEADINGS, ...rows.map((row) => cells(row, isHeld && isMissed(row) ? ' missed' : ''))]
  const widths = HEADINGS.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  const isText = (column: number): boolean => column === 0 || column === 1 || column === 3
  const drawn = lines.map((line) =>
    line
      .map((cell, column) => (isText(column) ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  )
  return `${bench}\n${drawn.map((line) => `  ${line}\n`).join('')}`
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

/** Three digits, all where there are more before the point. */
function number(value: number): string {
  if (value === 0) return '0'
  const digits = Math.max(3, Math.floor(Math.log10(Math.abs(value))) + 1)
  return Number(value.toPrecision(digits)).toLocaleString('en-US', { maximumFractionDigits: 6 })
}
