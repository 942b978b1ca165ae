import { codeOf, type Source } from './source.ts'

const RUN_LINES = 6
/** What ships, but for the commands' own. */
const HELD = /^(?:src|consumers|producers|schemas|node|standalone)\//

interface Line {
  readonly path: string
  readonly number: number
  readonly text: string
}

/** Runs of six lines of code that stand in two places. Blank lines, comments, imports and lone brackets do not count. */
export function repetitions(sources: readonly Source[]): string[] {
  const first = new Map<string, Line>()
  const found = new Map<string, string>()
  for (const source of sources.filter(({ path }) => HELD.test(path))) {
    const lines = linesOf(source)
    for (let at = 0; at + RUN_LINES <= lines.length; at++) {
      const run = lines.slice(at, at + RUN_LINES)
      const text = run.map((line) => line.text).join('\n')
      const [line] = run
      const other = first.get(text)
      if (line === undefined) continue
      if (other === undefined) first.set(text, line)
      else if (other.path !== line.path || line.number - other.number >= RUN_LINES)
        found.set(`${other.path} ~ ${line.path}`, `${other.path}:${other.number} ~ ${line.path}:${line.number}`)
    }
  }
  return [...found.values()]
}

function linesOf(source: Source): Line[] {
  const written = source.text.split('\n')
  // Strings are blank in the code: they are taken from the text, of lines that have code at all.
  return codeOf(source)
    .split('\n')
    .flatMap((code, at) => {
      const text = (written[at] ?? '').trim()
      const counts = /[\w$]/.test(code) && !/^(?:import|export) .*from|^(?:\} )?from\b|^[\w$, ]+,$/.test(text)
      return counts ? [{ path: source.path, number: at + 1, text }] : []
    })
}
