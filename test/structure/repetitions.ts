import { codeOf, type Source, uncommented } from './source.ts'

const RUN_LINES = 6
const HELD = /^(?!test\/)/

interface Line {
  readonly path: string
  readonly number: number
  readonly text: string
  /** The lines of code before it in its file. */
  readonly at: number
}

/**
 * Runs of at least six lines of code that stand in two places, each told once, by its first line. Blank lines, comments,
 * imports and lone brackets do not count. Tests are not held to it.
 */
export function repetitions(sources: readonly Source[]): string[] {
  const first = new Map<string, Line>()
  const found: string[] = []
  for (const source of sources.filter(({ path }) => HELD.test(path))) {
    const lines = linesOf(source)
    let before: Line | undefined
    for (const line of lines.slice(0, 1 - RUN_LINES)) {
      const run = lines.slice(line.at, line.at + RUN_LINES)
      const text = run.map((each) => each.text).join('\n')
      const other = first.get(text)
      if (other === undefined) first.set(text, line)
      const isRepeated = other !== undefined && (other.path !== line.path || line.number - other.number >= RUN_LINES)
      const goesOn = other?.path === before?.path && other?.at === (before?.at ?? Number.NaN) + 1
      if (isRepeated && !goesOn) found.push(`${other.path}:${other.number} ~ ${line.path}:${line.number}: ${line.text}`)
      before = isRepeated ? other : undefined
    }
  }
  return found
}

function linesOf(source: Source): Line[] {
  const written = uncommented(source).split('\n')
  // Strings are blank in the code: they are taken from the text, of lines that have code at all.
  return codeOf(source)
    .split('\n')
    .flatMap((code, at) => {
      const text = (written[at] ?? '').trim()
      const counts = /[\w$]/.test(code) && !/^(?:import|export) .*from|^(?:\} )?from\b|^[\w$, ]+,$/.test(text)
      return counts ? [{ path: source.path, number: at + 1, text }] : []
    })
    .map((line, at) => ({ ...line, at }))
}
