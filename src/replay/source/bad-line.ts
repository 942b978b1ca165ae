import type { Refused } from '../../../schemas/refusal.ts'
import type { Line } from './lines.ts'

/** A line of a file that holds nothing that can be read. */
export interface BadLine {
  readonly file: string
  /** Counted from 1. */
  readonly line: number
  /** The character at which reading stopped, from 1. Undefined if the detail says it. */
  readonly column: number | undefined
  readonly reason: string
  /** What was expected and what came. */
  readonly detail: string
}

/** Called for a line that cannot be read: it throws, or the line is left out. */
export type OnBadLine = (line: BadLine) => void

export function badLineText({ file, line, column, detail }: BadLine): string {
  return `${file}, line ${line}${column === undefined ? '' : `, column ${column}`}: ${detail}`
}

/** JSON.parse knows of one line only, and says where it stopped for some errors. */
const POSITION = / at position \d+ \(line \d+ column \d+\)/

/** A line of price records that was refused. */
export function badPriceLine(file: string, line: Line, { reason, detail }: Refused): BadLine {
  const column = reason === 'not-json' ? columnOf(line) : line.text.search(/\S/) + 1
  return { file, line: line.number, column, reason, detail: `${reason}: ${detail.replace(POSITION, '')}` }
}

/** The first character that is no UTF-8, or after which the line cannot become JSON. */
function columnOf({ text, isUtf8 }: Line): number {
  if (!isUtf8) return text.indexOf('\ufffd') + 1
  let [good, bad] = [0, text.length + 1]
  while (bad - good > 1) {
    const middle = (good + bad) >> 1
    if (mayGoOn(text.slice(0, middle))) good = middle
    else bad = middle
  }
  return good + 1
}

/** Whether the text is the beginning of some JSON: reading it stops at its end, if at all. */
function mayGoOn(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch (error) {
    const message = String(error)
    if (/Unexpected end|Unterminated string/.test(message)) return true
    return Number(/at position (\d+)/.exec(message)?.[1] ?? -1) >= text.length
  }
}
